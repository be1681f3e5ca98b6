/** Transactions under load: who waits for whom, over a storage that only counts. */
import { describe, expect, test } from "vitest";
import { GroupCommit } from "../../../src/durable/group-commit.ts";

/** Sizes of the groups that were committed. */
function counting() {
  const groups: number[] = [];
  let size = 0;
  let nowMs = 0;
  const storage = {
    transactionSync: (work: () => unknown) => {
      size += 1;
      return work();
    },
  } as unknown as DurableObjectStorage;
  const group = new GroupCommit({
    storage,
    now: () => nowMs,
    finish: () => {
      groups.push(size);
      size = 0;
    },
    forget: () => {},
  });
  return { group, groups, pass: (ms: number) => (nowMs += ms) };
}

describe("a group commit", () => {
  test("of callers that come at once gathers them, in the order of arrival", async () => {
    const { group, groups } = counting();
    const order: number[] = [];
    const client = async (at: number) => {
      for (let n = 0; n < 10; n += 1) await group.run(() => order.push(at));
    };
    await Promise.all([0, 1, 2, 3].map(client));
    expect(groups.reduce((sum, size) => sum + size)).toBe(40);
    expect(groups.filter((size) => size === 4).length).toBeGreaterThanOrEqual(5);
    expect(order.slice(-4)).toEqual([0, 1, 2, 3]);
  });

  test("of a lone caller waits for nobody, but to see now and then whether others have come", async () => {
    const { group, groups } = counting();
    let waited = 0;
    for (let n = 0; n < 45; n += 1) {
      let done = false;
      const running = group.run(() => (done = true));
      if (!done) waited += 1;
      await running;
    }
    expect(groups).toEqual(Array.from({ length: 45 }, () => 1));
    expect(waited).toBe(5);
  });

  test("of an object with few transactions never waits", async () => {
    const { group, pass } = counting();
    for (let n = 0; n < 30; n += 1) {
      let done = false;
      const running = group.run(() => (done = true));
      expect(done).toBe(true);
      await running;
      pass(20);
    }
  });

  test("lets one transaction fail alone", async () => {
    const { group, groups } = counting();
    const runs = Array.from({ length: 12 }, (_, at) =>
      group.run(() => {
        if (at === 9) throw new Error("the tenth");
        return at;
      }),
    );
    const settled = await Promise.allSettled(runs);
    expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(settled[9]).toMatchObject({ reason: new Error("the tenth") });
    expect(groups.at(-1)).toBe(4);
  });
});
