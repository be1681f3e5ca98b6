/** What honest scripts get from the sandbox. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_FUEL } from "../../../src/trace/sandbox/sandbox.ts";
import { aSandbox, someOptions } from "./support.ts";

async function valueOf(script: string, overrides: Parameters<typeof someOptions>[0] = {}): Promise<unknown> {
  const outcome = await aSandbox().run(script, someOptions(overrides));
  return outcome.ok ? outcome.value : outcome;
}

describe("run", () => {
  it.each([
    ["1 + 1", "2"],
    ["const x = 1", "undefined"],
    ["'text'", '"text"'],
    ["await Promise.resolve(4)", "4"],
    ["Promise.resolve(5)", "5"],
    ["const q = await 2; q * 2", "4"],
    ["(async () => ({ a: [1, null] }))()", '{"a": [1, null]}'],
    ["[-0, NaN, 10n, Symbol('s'), undefined, () => 1]", "[-0, NaN, 10n, Symbol(s), undefined, [Function]]"],
    ["new Map([[1, new Set(['a'])]])", 'Map(1) {1 => Set(1) {"a"}}'],
    ["class P { x = 1 }; new P()", 'P {"x": 1}'],
    ["const o = { name: 'o' }; o.o = o; o", '{"name": "o", "o": [Circular]}'],
    ["/a/gi", "/a/gi"],
    ["({ get a() { throw new Error('no') } })", expect.stringContaining("cannot be shown: Error: no")],
    ["Array.from({ length: 300 }, (_, i) => i)", expect.stringContaining("… 100 more]")],
  ])("gives the last value: %s", async (script, value) => {
    expect(await valueOf(script)).toEqual(value);
  });

  it("keeps the log, also of jobs that nobody awaits", async () => {
    const outcome = await aSandbox().run(
      "Promise.resolve().then(() => console.log('later')); console.warn('now', { a: 1 }, 2)",
      someOptions(),
    );
    expect(outcome).toMatchObject({ ok: true, logs: 'now {"a": 1} 2\nlater\n' });
  });

  it("cuts the log at 64 KiB and says so", async () => {
    const outcome = await aSandbox({ fuel: 200_000_000 }).run(
      "for (let i = 0; i < 2000; i++) console.log('y'.repeat(99))",
      someOptions(),
    );
    expect(outcome.logs.length).toBeLessThan(65_536 + 64);
    expect(outcome.logs).toMatch(/\[the log was cut at 64 KiB\]\n$/);
  });

  it("cuts a long value and says so", async () => {
    expect(await valueOf("'z'.repeat(1e6)")).toMatch(/cut at 64 KiB\]$/);
  });

  it("names the place of an error", async () => {
    expect(await valueOf("\n\nnull.x")).toMatchObject({
      reason: "threw",
      message: expect.stringMatching(/^TypeError: .*main\.js:3/s),
    });
  });
});

describe("determinism", () => {
  it("fixes the clock, in UTC", async () => {
    expect(
      await valueOf("[Date.now(), new Date().getTimezoneOffset(), new Date(2024, 1, 30, 5).toString()]"),
    ).toBe('[1767323045000, 0, "Fri Mar 01 2024 05:00:00 GMT+0000"]');
  });

  it("agrees with the host on the local fields of any date, in UTC", async () => {
    const dates = fc
      .sample(fc.date({ min: new Date(-8e15), max: new Date(8e15), noInvalidDate: true }), {
        seed: 7,
        numRuns: 60,
      })
      .map(Number);
    const script = `${JSON.stringify(dates)}.map((ms) => { const d = new Date(ms); return [d.getFullYear(), d.getMonth(), d.getDate(), d.getDay(), d.getHours(), d.getMinutes(), d.getSeconds()].join() }).join(' ')`;
    const expected = dates.map((ms) => {
      const d = new Date(ms);
      return [
        d.getUTCFullYear(),
        d.getUTCMonth(),
        d.getUTCDate(),
        d.getUTCDay(),
        d.getUTCHours(),
        d.getUTCMinutes(),
        d.getUTCSeconds(),
      ].join();
    });
    expect(await valueOf(script)).toBe(JSON.stringify(expected.join(" ")));
  });

  it("seeds Math.random", async () => {
    const script = "[Math.random(), Math.random()]";
    const [a, again, b] = [
      await valueOf(script, { seed: "a" }),
      await valueOf(script, { seed: "a" }),
      await valueOf(script, { seed: "b" }),
    ];
    expect(again).toBe(a);
    expect(b).not.toBe(a);
  });
});

describe("the wait for a turn", () => {
  it("lets the event loop turn between two scripts that compute for long, and keeps their order", async () => {
    const sandbox = aSandbox();
    const seen: string[] = [];
    const heartbeat = setInterval(() => seen.push("loop"), 0);
    await Promise.all(
      ["a", "b", "c"].map(async (name) => {
        await sandbox.run("for (let i = 0; i < 1e6; i++);", someOptions());
        seen.push(name);
      }),
    );
    clearInterval(heartbeat);
    expect(seen.join(" ")).toMatch(/^(loop )*a( loop)+ b( loop)+ c/);
  });

  it("lets short ones follow each other at once, until they owe the loop a rest, which time gives it, too", async () => {
    let pauses = 0;
    const pause = async (): Promise<void> => {
      pauses += 1;
    };
    let nowMs = 0;
    const sandbox = aSandbox({ pause, now: () => nowMs });
    for (let runs = 0; runs < 3; runs += 1) await sandbox.run("1", someOptions());
    expect(pauses).toBe(0);
    for (let runs = 0; runs < 30; runs += 1) await sandbox.run("1", someOptions());
    const before = pauses;
    expect(before).toBeGreaterThan(5);
    for (let runs = 0; runs < 30; runs += 1) {
      nowMs += 20;
      await sandbox.run("1", someOptions());
    }
    expect(pauses).toBe(before);
  });

  it("takes the time of a long script for none that the loop had, whose clock may stand still meanwhile", async () => {
    let pauses = 0;
    let nowMs = 0;
    const pause = async (): Promise<void> => {
      pauses += 1;
    };
    const sandbox = aSandbox({ pause, now: () => nowMs });
    const { fuelUsed } = await sandbox.run("for (let i = 0; i < 1e6; i++);", someOptions());
    const mostMs = fuelUsed / (DEFAULT_FUEL / 1_000);
    nowMs += mostMs;
    await sandbox.run("1", someOptions());
    expect(pauses).toBe(1);
  });

  it("can be aborted", async () => {
    const sandbox = aSandbox();
    const controller = new AbortController();
    const first = sandbox.run("1", someOptions());
    const second = sandbox.run("2", someOptions({ signal: controller.signal }));
    controller.abort();
    expect(await second).toMatchObject({ ok: false, reason: "aborted" });
    expect(await first).toMatchObject({ ok: true });
  });

  it("is not stuck by a caller whose timer never fires", async () => {
    const pauses: (() => void)[] = [];
    const sandbox = aSandbox({
      pause: () => new Promise((resolve) => void pauses.push(resolve)),
      now: () => 0,
    });
    await sandbox.run("for (let i = 0; i < 1e6; i++);", someOptions());
    void sandbox.run("'never called on'", someOptions());
    const second = sandbox.run("2", someOptions());
    pauses[1]?.();
    expect(await second).toMatchObject({ ok: true, value: "2" });
  });
});
