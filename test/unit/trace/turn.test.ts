/** Whose turn it is, by itself: what the sandbox's own tests cannot see from outside. */
import { describe, expect, it, vi } from "vitest";
import { createTurns } from "../../../src/trace/sandbox/turn.ts";

/** Pauses that end when the test says so. */
function aLoop() {
  const pauses: (() => void)[] = [];
  const clock = { nowMs: 0 };
  const pause = async (): Promise<void> => new Promise((resolve) => void pauses.push(resolve));
  return {
    turns: createTurns({ pause, mostOwedMs: 10, now: () => clock.nowMs }),
    pauses,
    clock,
    /** Ends the pauses that there are, and lets everybody go as far as that leads. */
    async turn(): Promise<void> {
      for (const end of pauses.splice(0)) end();
      await settled();
    },
  };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

const nothing = async (): Promise<void> => {};

describe("turns", () => {
  it("prepare one script at a time, however many ask at once", async () => {
    const { turns, turn } = aLoop();
    let prepared = 0;
    let computed = 0;
    let mostReady = 0;
    const prepare = async (): Promise<void> => {
      prepared += 1;
      mostReady = Math.max(mostReady, prepared - computed);
      await Promise.resolve();
    };
    const all = Promise.all(
      Array.from({ length: 8 }, async () => {
        await turns.next(prepare, undefined);
        computed += 1;
        turns.computed(3);
      }),
    );
    await settled();
    for (let rounds = 0; rounds < 20; rounds += 1) await turn();
    await all;
    expect(prepared).toBe(8);
    expect(mostReady).toBe(1);
  });

  it("take no pause for a rest in which a script computed", async () => {
    const { turns, turn } = aLoop();
    await turns.next(nothing, undefined);
    const went = vi.fn<() => void>();
    const second = turns.next(nothing, undefined).then(went);
    turns.computed(1_000);
    await turn();
    expect(went).not.toHaveBeenCalled();
    await turn();
    await second;
    expect(went).toHaveBeenCalledOnce();
  });

  it("are lost by a preparation that takes longer than another's pause, and waited for again", async () => {
    const { turns, turn, pauses } = aLoop();
    let ready: () => void = () => {};
    const went = vi.fn<() => void>();
    const slow = turns
      .next(async () => new Promise<void>((resolve) => void (ready = resolve)), undefined)
      .then(went);
    const quick = turns.next(nothing, undefined);
    await turn();
    await quick;
    ready();
    await settled();
    expect(went).not.toHaveBeenCalled();
    turns.computed(3);
    expect(pauses).toHaveLength(1);
    await turn();
    await slow;
    expect(went).toHaveBeenCalledOnce();
  });

  it("go on after a preparation that failed", async () => {
    const { turns, turn } = aLoop();
    const failed = turns.next(async () => Promise.reject(new Error("no machine")), undefined);
    await expect(failed).rejects.toThrow("no machine");
    const next = turns.next(async () => "made", undefined);
    await turn();
    expect(await next).toBe("made");
  });

  it("are for whoever waits first, and whoever comes new waits behind him", async () => {
    const { turns, turn, clock } = aLoop();
    await turns.next(nothing, undefined);
    turns.computed(12);
    const went: string[] = [];
    const go = async (name: string): Promise<void> => {
      await turns.next(nothing, undefined);
      went.push(name);
      turns.computed(3);
    };
    const first = go("first");
    // By now little is owed: whoever came before does not know it yet.
    clock.nowMs = 15;
    const second = go("second");
    await settled();
    expect(went).toEqual([]);
    for (let rounds = 0; rounds < 3; rounds += 1) await turn();
    expect(went).toEqual(["first", "second"]);
    await Promise.all([first, second]);
  });

  it("are not held up by one who never looks again", async () => {
    const { turns, clock } = aLoop();
    await turns.next(nothing, undefined);
    turns.computed(12);
    void turns.next(nothing, undefined);
    clock.nowMs = 20;
    expect(await turns.next(async () => "at once", undefined)).toBe("at once");
  });
});
