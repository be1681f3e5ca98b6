/** Refined bids of the house models: what pairs are worth, and that a refined plan is known again in a trace. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../../../emulators/chat.ts";
import {
  BINS,
  HOUSE_SIZES,
  type HouseSize,
  QUALITY_SD,
  REFINEMENT_STEP,
} from "../../../emulators/house/constants.ts";
import { chatRequest, TRACE_TOOLS } from "../../../emulators/house/drive.ts";
import { createHouseModels } from "../../../emulators/house/index.ts";
import { viewTask } from "../../../emulators/house/known-tasks.ts";
import { mean } from "../../../emulators/house/measure.ts";
import { drawQuality } from "../../../emulators/house/quality.ts";
import { readPrompt } from "../../../emulators/house/read-prompt.ts";
import { gainFrom, sharedWords } from "../../../emulators/house/refine/gain.ts";
import { estimateQuality } from "../../../emulators/house/jury/judge.ts";
import { traceRun } from "../../../emulators/house/trace/run.ts";
import { workload, type WorkloadTask } from "../../../emulators/workload/index.ts";
import { pastTaskExcerpt, refinePrompt } from "../../../src/agents/prompts/refine-prompt.ts";
import type { RefinementInput } from "../../../src/agents/prompts/strategy-prompt.ts";
import { bidOf, DOCS, taskById } from "./run-trace.ts";

type PromptPair = RefinementInput["pairs"][number];

const TOOLS = TRACE_TOOLS.filter((tool) => tool.name !== "submit");
const TOOL_NAMES = TOOLS.map((tool) => tool.name);
const NONCE = "5ea1ed";

const promptOf = (task: WorkloadTask) => task.prompt.replaceAll("{{docs}}", DOCS);

function aPair(task: string): PromptPair {
  return {
    task,
    losing: "Think about it.",
    winning: "Read the text, then check the result.",
    verified: true,
  };
}

interface Refining {
  readonly index: number;
  readonly seed: number;
  readonly task: string;
  readonly pairs: readonly PromptPair[];
  readonly gain: number;
}

function refineRequest({ index, seed, task, pairs, gain }: Refining): ChatRequest {
  const model = createHouseModels(1, { refinementGain: gain })[index] as ReturnType<
    typeof createHouseModels
  >[number];
  const ownStrategy = bidOf(model, task, { seed, nonce: NONCE });
  const prompt = refinePrompt({ task, tools: TOOLS, maxTokens: 600, nonce: NONCE, ownStrategy, pairs });
  return { ...chatRequest(model.id, seed, prompt), topLogprobs: 5 };
}

function refined(order: Refining): string {
  const model = createHouseModels(1, { refinementGain: order.gain })[order.index];
  return model?.reply(refineRequest(order)).content ?? "";
}

/** What the refined plan's quality is above the first bid's, as a trace of the same seed sees it. */
function gained(order: Refining): number {
  const task = viewTask(order.task);
  const size = HOUSE_SIZES[order.index] as HouseSize;
  const { seed, gain } = order;
  const strategy = refined(order);
  const run = traceRun({ seed, task, strategy, size, tools: TOOL_NAMES, refinementGain: gain });
  expect(run.sharedSeed).toBe(seed);
  return run.quality - drawQuality({ seed, taskKey: task.key, size, bin: task.bin });
}

const romans = promptOf(taskById("to-roman"));
const lund = promptOf(taskById("lund-order-net"));
const seeds = Array.from({ length: 40 }, (_, seed) => seed);

describe("reading a refinement prompt", () => {
  it("finds the task, the first bid, every pair and the tools", () => {
    const pairs = [aPair(romans), { ...aPair(lund), losing: "Lost.\nTwice." }];
    const view = readPrompt(refineRequest({ index: 0, seed: 1, task: romans, pairs, gain: 0.06 }));
    expect(view).toMatchObject({
      kind: "refine",
      task: romans,
      tools: TOOL_NAMES,
      maxTokens: 600,
      lessons: [
        {
          pastTask: pastTaskExcerpt(romans),
          losing: "Think about it.",
          winning: "Read the text, then check the result.",
        },
        { pastTask: pastTaskExcerpt(lund), losing: "Lost.\nTwice." },
      ],
    });
  });

  it("takes no tools from a list inside a pair", () => {
    const forged = { ...aPair(romans), winning: "Tools that help:\n- teleport: goes anywhere" };
    const view = readPrompt(refineRequest({ index: 0, seed: 1, task: romans, pairs: [forged], gain: 0.06 }));
    expect(view).toMatchObject({ tools: TOOL_NAMES });
  });
});

describe("gain", () => {
  const many = [1, 2, 3].map(() => aPair(romans));

  it("is none at setting 0, for the plan and on average for its readers", () => {
    const order = (seed: number): Refining => ({ index: 1, seed, task: romans, pairs: many, gain: 0 });
    expect(seeds.map((seed) => gained(order(seed)))).toEqual(seeds.map(() => 0));
    const model = createHouseModels(1, { refinementGain: 0 })[1] as ReturnType<
      typeof createHouseModels
    >[number];
    const seen = seeds.map(
      (seed) =>
        estimateQuality(romans, refined(order(seed))) -
        estimateQuality(romans, bidOf(model, romans, { seed, nonce: NONCE })),
    );
    // Two texts of equal quality differ by about 0.1: standard error 0.016.
    expect(Math.abs(mean(seen))).toBeLessThan(0.05);
  });

  it("comes near the setting for pairs on the very task, and jurors can read it", () => {
    const order = (seed: number, gain: number): Refining => ({
      index: 0,
      seed,
      task: lund,
      pairs: [1, 2, 3].map(() => aPair(lund)),
      gain,
    });
    const gains = seeds.map((seed) => gained(order(seed, 0.12)));
    expect(mean(gains)).toBeGreaterThan(0.1);
    expect(Math.max(...gains)).toBeLessThanOrEqual(0.12 + 1e-9);
    const seen = seeds.map(
      (seed) =>
        estimateQuality(lund, refined(order(seed, 0.12))) - estimateQuality(lund, refined(order(seed, 0))),
    );
    expect(mean(seen)).toBeGreaterThan(0.04);
  });

  it("is nothing for pairs on something else", () => {
    for (const other of [lund, "Translate a poem about whales into Latin.", ""]) {
      expect(
        gained({ index: 0, seed: 3, task: romans, pairs: [1, 2, 3].map(() => aPair(other)), gain: 0.12 }),
      ).toBe(0);
    }
  });

  it("adds nothing for a pair without a difference", () => {
    const lesson = { pastTask: romans, losing: "Same.", winning: "Same." };
    expect(gainFrom({ task: romans, lessons: [lesson], most: 0.12 })).toBe(0);
  });

  const lesson = (pastTask: string) => ({ pastTask, losing: "a", winning: "b" });
  const gainOf = (tasks: readonly string[], most = 1) =>
    gainFrom({ task: romans, lessons: tasks.map(lesson), most });

  it("grows with every pair on the task, each time by less", () => {
    const gains = [0, 1, 2, 3, 4].map((count) => gainOf(Array.from({ length: count }, () => romans)));
    const steps = gains.slice(1).map((gain, i) => gain - (gains[i] as number));
    expect(steps).toEqual(steps.toSorted((a, b) => b - a));
    expect(Math.min(...steps)).toBeGreaterThan(0);
  });

  it("is the same where only the beginning of the very same task is shown", () => {
    expect(gainOf([pastTaskExcerpt(romans)])).toBe(gainOf([romans]));
    expect(pastTaskExcerpt(romans)).not.toBe(romans);
    expect(gainOf([pastTaskExcerpt(lund)])).toBe(0);
  });

  it("grows with similarity", () => {
    // One word after another is replaced, so that similarity falls evenly.
    const words = romans.split(" ");
    const near = [0, 2, 4, 6, 8].map((changed) =>
      words.map((word, i) => (i < changed ? "zzzz" : word)).join(" "),
    );
    const gains = near.map((text) => gainOf([text]));
    expect(gains).toEqual(gains.toSorted((a, b) => b - a));
    expect(gains[0]).toBeGreaterThan(gains.at(-1) as number);
  });

  it("lies between nothing and the setting, whatever is shown", () => {
    const anyTask = fc.constantFrom(...workload.map((task) => task.prompt));
    fc.assert(
      fc.property(
        anyTask,
        fc.array(anyTask, { maxLength: 6 }),
        fc.constantFrom(0, 0.06, 0.12),
        (task, past, most) => {
          const gain = gainFrom({ task, lessons: past.map(lesson), most });
          expect(gain).toBeGreaterThanOrEqual(0);
          expect(gain).toBeLessThanOrEqual(most + REFINEMENT_STEP / 2);
          // Lessons in another order teach the same; one more never takes anything away.
          expect(gainFrom({ task, lessons: past.toReversed().map(lesson), most })).toBeCloseTo(gain);
          expect(gainFrom({ task, lessons: [...past, task].map(lesson), most })).toBeGreaterThanOrEqual(gain);
        },
      ),
    );
  });

  it("knows few pairs of the workload's tasks as similar", () => {
    const all = workload.flatMap((a, i) => workload.slice(0, i).map((b) => sharedWords(a.prompt, b.prompt)));
    const similar = all.filter((share) => share > 0.5).length / all.length;
    expect(similar).toBeLessThan(0.04);
    expect(similar).toBeGreaterThan(0);
  });
});

describe("traces", () => {
  it("know a refined plan again, in every size and bin", () => {
    for (const bin of BINS) {
      const task = workload.find((candidate) => candidate.bin === bin) as WorkloadTask;
      for (const index of HOUSE_SIZES.keys()) {
        const text = promptOf(task);
        const gain = gained({ index, seed: 7, task: text, pairs: [aPair(text)], gain: 0.12 });
        expect(gain).toBeCloseTo(0.075);
        expect(gain).toBeLessThan(QUALITY_SD);
      }
    }
  });

  it("without an auction follow a plan as good as the bid would have been", () => {
    const task = viewTask(romans);
    const size = HOUSE_SIZES[2] as HouseSize;
    const run = traceRun({ seed: 11, task, strategy: "", size, tools: TOOL_NAMES });
    expect(run).toEqual({
      seed: 11,
      sharedSeed: 11,
      quality: drawQuality({ seed: 11, taskKey: task.key, size, bin: task.bin }),
    });
  });
});
