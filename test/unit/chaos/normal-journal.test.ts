/** What of a journal is compared between a run with kills and one without. */
import { describe, expect, test } from "vitest";
import { differences, normalJournal } from "../../../bench/replay/normal-journal.ts";
import type { TaskEvent } from "../../../src/market/event.ts";

const journal = (bodies: readonly object[], steps: readonly object[] = []) =>
  normalJournal(
    // SAFETY: read as JSON in the bench, too.
    bodies.map((body, at) => ({ ...body, seq: at + 1, atMs: Math.random() })) as unknown as TaskEvent[],
    steps as { attempt: number; step: number }[],
  );

const taken = (generation: number) => ({ type: "trace-taken-up", attempt: 1, generation, stepsSoFar: 0 });
const step = (number: number) => ({ type: "step-committed", attempt: 1, step: number, costMicros: 5 });
const finished = { type: "task-finished", outcome: "pass", costMicros: 10 };

describe("journals with and without kills", () => {
  test("are the same where only times and recoveries differ", () => {
    const calm = journal([taken(1), step(1), step(2), finished]);
    const killed = journal([taken(1), step(1), taken(2), taken(3), step(2), finished]);
    expect(differences(calm, killed)).toEqual([]);
  });

  test("differ by a step that is committed twice, or missing, or costs something else", () => {
    const calm = journal([step(1), step(2), finished]);
    for (const other of [
      [step(1), step(1), step(2), finished],
      [step(1), finished],
      [step(1), { ...step(2), costMicros: 6 }, finished],
    ]) {
      expect(differences(calm, journal(other))).not.toEqual([]);
    }
  });

  test("differ by what a tool said, and the words are not printed", () => {
    const said = (output: string) => [
      { attempt: 1, step: 1, text: "look", outcomes: [{ ok: true, output }] },
    ];
    const found = differences(journal([], said("secret words")), journal([], said("other words")));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^step 1: 1\/1 [0-9a-f]{16} without kills, 1\/1 [0-9a-f]{16} with them$/);
  });
});
