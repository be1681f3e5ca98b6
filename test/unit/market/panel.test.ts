/** Who judges a result, and what a panel's rulings come to. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asMicros } from "../../../src/market/money.ts";
import { drawPanel, hasQuorum, panelVerdict, quorumOf, type Ruling } from "../../../src/market/panel.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import type { VerdictOutcome } from "../../../src/market/verifier-spec.ts";

type Candidate = Parameters<typeof drawPanel>[0][number];

const agent = (id: string, provider: Candidate["provider"] = "workers-ai", model = id): Candidate => ({
  id: `agt_${id}` as AgentId,
  provider,
  model,
});
const POOL = [
  agent("a"),
  agent("b"),
  agent("c", "anthropic"),
  agent("d", "google"),
  agent("e", "google"),
  agent("f", "google", "e"),
];
const ids = (...names: string[]) => names.map((name) => `agt_${name}` as AgentId);
const draw = (pool: readonly Candidate[], workers: readonly AgentId[], panel = 3, seed = 7) =>
  drawPanel(pool, { workers, panel, seed, attempt: 1 });

describe("a panel", () => {
  test("is drawn from (seed, attempt): the same again, whatever order the pool is in", () => {
    const panel = draw(POOL, ids("a"));
    expect(draw(POOL.toReversed(), ids("a"))).toEqual(panel);
    const others = Array.from({ length: 20 }, (_, seed) => draw(POOL, ids("a"), 3, seed).join());
    expect(new Set(others).size).toBeGreaterThan(3);
  });

  test("never has one who worked on the result, and nobody twice", () => {
    const terms = fc.record({
      workers: fc.subarray(POOL.map(({ id }) => id)),
      panel: fc.constantFrom(1, 3, 5),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(terms, ({ workers, panel, seed }) => {
        const judges = draw(POOL, workers, panel, seed);
        expect(judges.filter((id) => workers.includes(id))).toEqual([]);
        expect(new Set(judges).size).toBe(judges.length);
        expect(judges).toHaveLength(Math.min(panel, POOL.length - workers.length));
      }),
    );
  });

  test("has other providers than the worker's first, and then other models", () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const two = draw(POOL, ids("a"), 3, seed).slice(0, 2);
      // One of each provider that is not the worker's.
      expect(two.filter((id) => id === "agt_c")).toHaveLength(1);
      expect(two.filter((id) => ids("d", "e", "f").includes(id))).toHaveLength(1);
      const five = draw(POOL, ids("a"), 5, seed);
      // Two ids of one model: the second of them is the last to be asked.
      const twins = five.filter((id) => ids("e", "f").includes(id));
      if (twins.length === 2) expect(twins).toContain(five.at(-1));
    }
  });

  test("of one's own twin comes last", () => {
    const pool = [agent("x", "google", "m"), agent("y", "google", "m"), agent("z", "google", "n")];
    for (let seed = 0; seed < 20; seed += 1) expect(draw(pool, ids("x"), 3, seed)).toEqual(ids("z", "y"));
  });

  test("may decide where more than half of it can be somebody else", () => {
    expect([1, 3, 5].map(quorumOf)).toEqual([1, 2, 3]);
    expect(hasQuorum(POOL.slice(0, 2), 3)).toBe(false);
    expect(hasQuorum(POOL.slice(0, 3), 3)).toBe(true);
    expect(hasQuorum(POOL.slice(0, 1), 1)).toBe(false);
  });
});

describe("its verdict", () => {
  const common = { costMicros: asMicros(1), ms: 1 };
  const said = (...words: (VerdictOutcome | "timeout")[]): Ruling[] =>
    words.map((word, at) => {
      const agentId = `agt_${"abcde"[at]}` as AgentId;
      return word === "timeout"
        ? { ...common, agentId, status: "left", reason: word }
        : { ...common, agentId, status: "ruled", verdict: word, reason: `because ${at}` };
    });

  test.each<[readonly (VerdictOutcome | "timeout")[], number, VerdictOutcome]>([
    [["pass"], 1, "pass"],
    [["fail"], 1, "fail"],
    [["unknown"], 1, "unknown"],
    [["pass", "pass", "fail"], 3, "pass"],
    [["fail", "pass", "fail"], 3, "fail"],
    [["pass", "pass", "timeout"], 3, "pass"],
    [["pass", "fail", "timeout"], 3, "unknown"],
    [["pass", "timeout", "timeout"], 3, "unknown"],
    [["pass", "unknown", "unknown"], 3, "unknown"],
    [["pass", "pass"], 3, "pass"],
    [[], 3, "unknown"],
    [["pass", "pass", "fail", "fail", "unknown"], 5, "unknown"],
    [["pass", "pass", "fail", "fail", "fail"], 5, "fail"],
    [["pass", "pass", "pass", "timeout", "timeout"], 5, "pass"],
    [["pass", "pass", "timeout", "timeout", "timeout"], 5, "unknown"],
  ])("of %j, asked as a panel of %i, is %s", (words, panel, outcome) => {
    expect(panelVerdict(said(...words), panel).outcome).toBe(outcome);
  });

  test("says how many said what, and what each of them gave for it", () => {
    expect(panelVerdict(said("pass", "fail", "pass"), 3).evidence).toBe(
      "2 of 3 judges say pass, 1 say fail\nagt_a: pass: because 0\nagt_b: fail: because 1\nagt_c: pass: because 2",
    );
    expect(panelVerdict(said("pass", "timeout"), 3).evidence).toBe(
      "1 of 3 judges say pass, 0 say fail; fewer than 2 decided\nagt_a: pass: because 0\nagt_b: no answer: timeout",
    );
  });
});
