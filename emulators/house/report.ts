/** Prints what the house models do against what they are meant to do: `npx node emulators/house/report.ts`. */
import { documents, promptAt, workload } from "../workload/index.ts";
import { bidPrompt } from "../../src/agents/prompts/bid-prompt.ts";
import { BINS, DEFAULT_INFORMATIVENESS, HOUSE_SIZES, SHARED_FACTOR_SD } from "./constants.ts";
import { chatRequest, driveTrace, TRACE_TOOLS } from "./drive.ts";
import { houseModels } from "./index.ts";
import {
  correlation,
  failureCorrelation,
  judgedBids,
  mean,
  outcomes,
  outcomesWithOtherSeeds,
  selfPreference,
  withinCellAuc,
} from "./measure.ts";
import { targetPassRate } from "./success.ts";

const DOCS = "http://127.0.0.1:8788/docs";
const print = (line = "") => process.stdout.write(`${line}\n`);
const percent = (value: number) => (100 * value).toFixed(1).padStart(5);

function passRates(): void {
  print(
    `Pass rate in %, measured / target / measured where every call carries its own seed (40 seeds), b = ${DEFAULT_INFORMATIVENESS}, shared factor sd ${SHARED_FACTOR_SD} (6 tasks x 1000 seeds a cell)`,
  );
  print(`${"".padEnd(20)}${BINS.map((bin) => `bin ${bin}`.padEnd(23)).join("")}`);
  for (const size of HOUSE_SIZES) {
    const cells = BINS.map((bin) => {
      const measured = mean(outcomes({ size, bin, seeds: 1_000, informativeness: DEFAULT_INFORMATIVENESS }));
      const other = mean(
        outcomesWithOtherSeeds({ size, bin, seeds: 40, informativeness: DEFAULT_INFORMATIVENESS }),
      );
      return `${percent(measured)} / ${percent(targetPassRate(size, bin))} / ${percent(other)}`.padEnd(23);
    });
    print(`${size.id.padEnd(20)}${cells.join("")}`);
  }
  const other = failureCorrelation(40, DEFAULT_INFORMATIVENESS, outcomesWithOtherSeeds);
  print(
    `Failure correlation of the two largest: ${failureCorrelation(1_000, DEFAULT_INFORMATIVENESS).toFixed(3)}, with a seed of its own for every call ${other.toFixed(3)}`,
  );
}

function juries(): void {
  print("\nJury against success, same agent and bin (30 seeds x 30 tasks x 4 agents)");
  print("b     AUC of q  jury mean  each juror                  failure correlation (32b, 14b)");
  for (const b of [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3]) {
    const bids = judgedBids(30, b);
    const auc = (score: Parameters<typeof withinCellAuc>[1]) => withinCellAuc(bids, score).toFixed(3);
    const each = HOUSE_SIZES.map((_, index) => auc((bid) => bid.scores[index] ?? 0)).join(" ");
    print(
      `${String(b).padEnd(6)}${auc((bid) => bid.quality)}     ${auc((bid) => mean(bid.scores))}      ${each}     ${failureCorrelation(500, b).toFixed(3)}`,
    );
  }
  const bids = judgedBids(30, DEFAULT_INFORMATIVENESS);
  print(
    `\nself-preference ${selfPreference(bids).toFixed(3)} score points; correlation of jury mean and q ${correlation(
      bids.map((bid) => mean(bid.scores)),
      bids.map((bid) => bid.quality),
    ).toFixed(3)}`,
  );
  print(
    `strategy tokens and q: correlation ${correlation(
      bids.map((bid) => bid.tokens),
      bids.map((bid) => bid.quality),
    ).toFixed(3)}`,
  );
  for (const size of HOUSE_SIZES) {
    const own = bids.filter((bid) => bid.size === size);
    const tokens = own.map((bid) => bid.tokens).toSorted((a, b) => a - b);
    print(
      `  ${size.id.padEnd(20)} tokens mean ${mean(tokens).toFixed(0)}, 5-95 % ${tokens[Math.floor(tokens.length * 0.05)]}-${tokens[Math.floor(tokens.length * 0.95)]}; scores by juror ${HOUSE_SIZES.map((_, i) => mean(own.map((bid) => bid.scores[i] ?? 0)).toFixed(2)).join(" ")}`,
    );
  }
}

/** Tools that answer without doing anything. */
function call(tool: string, argument: string): string {
  return tool === "http" ? (documents[argument.slice(DOCS.length + 1)] ?? "HTTP 404") : "value: 1";
}

function traces(): void {
  print("\nTraces (5 seeds): turns min-mean-max, completion and prompt tokens of the whole trace (32b)");
  const model = houseModels.at(-1) as (typeof houseModels)[number];
  const offered = TRACE_TOOLS.filter((tool) => tool.name !== "submit");
  for (const bin of BINS) {
    const runs = workload
      .filter((task) => task.bin === bin)
      .flatMap((task) =>
        [1, 2, 3, 4, 5].map((seed) => {
          const prompt = promptAt(task, DOCS);
          const bid = model.reply(
            chatRequest(
              model.id,
              seed,
              bidPrompt({ task: prompt, tools: offered, maxTokens: 300, nonce: "abc123" }),
            ),
          );
          return driveTrace({ model, task: prompt, strategy: bid.content ?? "", seed, call }).replies;
        }),
      );
    const turns = runs.map((replies) => replies.length);
    const total = (pick: (usage: (typeof runs)[number][number]["usage"]) => number) =>
      mean(runs.map((replies) => replies.reduce((sum, reply) => sum + pick(reply.usage), 0))).toFixed(0);
    print(
      `  bin ${bin}: ${Math.min(...turns)}-${mean(turns).toFixed(1)}-${Math.max(...turns)} turns, completion ${total((usage) => usage.completionTokens)}, prompt ${total((usage) => usage.promptTokens)} (cached ${total((usage) => usage.cachedPromptTokens)})`,
    );
  }
}

passRates();
juries();
traces();
