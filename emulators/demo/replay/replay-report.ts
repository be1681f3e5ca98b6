/** Whether what was billed for replayed runs is what their files say. Pure. */
import type { Colors } from "picocolors/types.js";
import type { TaskFigures } from "../figures.ts";
import { plural, usd } from "../format.ts";
import { textTable } from "../text-table.ts";
import { expectedBillMicros } from "./expected-bill.ts";
import { recordedPrice } from "./prices.ts";
import type { Recording } from "./recording.ts";

export interface ReplayFigures {
  readonly name: string;
  readonly model: string;
  readonly recordedSteps: number;
  readonly steps: number;
  readonly queueMessages: number;
  readonly billedMicros: number;
  /** Recorded usage times price, worked out from the file. */
  readonly expectedMicros: number;
  /** What the provider charged when the run was recorded, USD. */
  readonly recordedCostUsd: number;
  readonly agrees: boolean;
}

export function replayFigures(
  recordings: readonly Recording[],
  tasks: readonly TaskFigures[],
): ReplayFigures[] {
  return recordings.map(({ name, trace }) => {
    const task = tasks.find(({ label }) => label === name);
    const expectedMicros = expectedBillMicros(trace, recordedPrice(trace.model));
    const billedMicros = task?.costs.traceMicros ?? 0;
    return {
      name,
      model: trace.model,
      recordedSteps: trace.steps.length,
      steps: task?.steps ?? 0,
      queueMessages: task?.queueMessages ?? 0,
      billedMicros,
      expectedMicros,
      recordedCostUsd: trace.steps.reduce((sum, step) => sum + step.cost_usd, 0),
      agrees: billedMicros === expectedMicros && task?.steps === trace.steps.length,
    };
  });
}

export function replayReport(figures: readonly ReplayFigures[], colours: Colors): string[] {
  const wrong = figures.filter(({ agrees }) => !agrees);
  const total = (key: "billedMicros" | "expectedMicros") =>
    usd(figures.reduce((sum, row) => sum + row[key], 0));
  const models = [...new Set(figures.map(({ model }) => model))];
  return [
    "",
    ...textTable(
      [
        { title: "recorded run" },
        { title: "steps", align: "right" },
        { title: "queue messages", align: "right" },
        { title: "billed", align: "right" },
        { title: "recorded usage × price", align: "right" },
        { title: "" },
      ],
      figures.map((row) => [
        row.name,
        row.steps === row.recordedSteps ? String(row.steps) : `${row.steps} of ${row.recordedSteps}`,
        String(row.queueMessages),
        usd(row.billedMicros),
        usd(row.expectedMicros),
        row.agrees ? "agrees" : "DIFFERS",
      ]),
    ),
    "",
    `billed ${total("billedMicros")}, recorded usage × price ${total("expectedMicros")}; per call the lines are summed and rounded up once to the micro-dollar`,
    ...recordedCostLines(figures),
    ...models.map((model) => `price of ${model}: ${priceText(model)}`),
    wrong.length === 0
      ? colours.green(`All ${plural(figures.length, "bill")} agree to the micro-dollar.`)
      : colours.red(
          `${plural(wrong.length, "bill")} of ${figures.length} do not agree: ${wrong.map(({ name }) => name).join(", ")}`,
        ),
  ];
}

/** Where the provider charged less, it read input from a cache, and the recorded usage does not say how much. */
function recordedCostLines(figures: readonly ReplayFigures[]): string[] {
  const recordedUsd = figures.reduce((sum, row) => sum + row.recordedCostUsd, 0);
  const expectedMicros = figures.reduce((sum, row) => sum + row.expectedMicros, 0);
  const recordedMicros = Math.round(recordedUsd * 1_000_000);
  if (recordedMicros === 0 || recordedMicros === expectedMicros) return [];
  return [
    `the provider itself charged ${usd(recordedMicros)} then: it priced cached input lower, and the recorded usage does not say which input was cached`,
  ];
}

function priceText(model: string): string {
  const { usdPerMtok, source } = recordedPrice(model);
  return `${usdPerMtok.input} in, ${usdPerMtok.cachedInput} cached, ${usdPerMtok.output} out, USD per million tokens (${source})`;
}
