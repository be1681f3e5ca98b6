/** Every workload task can be carried out to its end, and comes out as it was drawn. */
import { describe, expect, it } from "vitest";
import { HOUSE_SIZES, STEPS } from "../../../emulators/house/constants.ts";
import { drawQuality } from "../../../emulators/house/quality.ts";
import { drawSuccess } from "../../../emulators/house/success.ts";
import { workload } from "../../../emulators/workload/index.ts";
import { runTrace } from "./run-trace.ts";
import { failureOf } from "./verify.ts";

const SEEDS = [1, 2, 3];

describe.each(workload.map((task) => [task.id, task] as const))("trace of %s", (_id, task) => {
  const runs = HOUSE_SIZES.flatMap((size, index) =>
    SEEDS.map((seed) => ({ size, seed, trace: runTrace({ task, index, seed }) })),
  );

  it("is right exactly if success was drawn", () => {
    const right = runs.map(({ trace }) => failureOf(task.verifier, trace.result) === null);
    const drawn = runs.map(({ size, seed }) => {
      const key = { seed, taskKey: task.id, size, bin: task.bin };
      return drawSuccess({ ...key, quality: drawQuality(key), informativeness: 1 });
    });
    expect(right).toEqual(drawn);
  });

  it("ends by itself within its bin's steps, and never repeats a call id", () => {
    const [least, most] = STEPS[task.bin];
    for (const { trace } of runs) {
      expect(trace.finished).toBe(true);
      expect(trace.replies.length).toBeGreaterThanOrEqual(least);
      expect(trace.replies.length).toBeLessThanOrEqual(most);
      const ids = trace.replies.flatMap((reply) => reply.toolCalls.map((call) => call.id));
      expect(new Set(ids).size).toBe(ids.length);
    }
  });
});
