/** A policy's document: what a change makes of it, what is wrong with one, and the deadlines that it sets. */
import { describe, expect, test } from "vitest";
import { agentInput, agentSchema } from "../../../src/market/agent.ts";
import { documentIssues, MAX_DOCUMENT_CHARS } from "../../../src/market/check-document.ts";
import { callDeadlines, withDeadline } from "../../../src/market/market-deadlines.ts";
import {
  changesBetween,
  storedDocument,
  withChange,
  type PolicyChange,
} from "../../../src/market/policy-document.ts";
import { taskRequestSchema } from "../../../src/market/task.ts";
import { OPEN_MARKET } from "../../../src/market/tenant-market.ts";
import { agentId, anAgent, aPool, aTaskSpec } from "../../support/builders.ts";

const BLANK = storedDocument({});
const GONE = agentId("gone");
const TINY = agentId("tiny");
const WEIGHTS = { cost: 1, entropy: 0, jurors: { [TINY]: 1 } };

function issuesOf(change: PolicyChange, before: PolicyChange = {}) {
  const had = withChange(BLANK, before);
  const most = { bidMs: 20_000, juryMs: 10_000 };
  return documentIssues({ before: had, after: withChange(had, change), base: aPool(), most });
}

describe("what is wrong with a change", () => {
  const others = `its agents are ${aPool()
    .map(({ id }) => id)
    .join(", ")}`;
  const price = { prices: anAgent().prices, priceSource: "x" };
  test.each<[PolicyChange, string]>([
    [{ disabled: [TINY, GONE] }, "disabled[1]"],
    [{ allow: [GONE] }, "allow[0]"],
    [{ deny: [GONE] }, "deny[0]"],
    [{ maxShares: { [GONE]: 0.5 } }, `maxShares.${GONE}`],
    [{ prices: { [GONE]: price } }, `prices.${GONE}`],
    [{ weights: { ...WEIGHTS, jurors: { [GONE]: 1 } } }, `weights.jurors.${GONE}`],
    [{ meanWeights: { ...WEIGHTS, jurors: { [GONE]: 1 } } }, `meanWeights.jurors.${GONE}`],
  ])("%j names a stranger at %s", (change, path) => {
    expect(issuesOf(change)).toEqual([{ path, message: `${GONE} is no agent of the pool; ${others}` }]);
  });

  test("an agent that the document named before is no stranger, nor one that a fit names", () => {
    expect(issuesOf({ disabled: [TINY, GONE] }, { disabled: [GONE] })).toEqual([]);
    expect(issuesOf({ deny: [GONE] }, { disabled: [GONE] })).toHaveLength(1);
    const fitted = { weights: { ...WEIGHTS, jurors: { [TINY]: 1, [GONE]: 1 } }, fit: { gap: 0 } };
    expect(issuesOf(fitted)).toEqual([]);
    expect(issuesOf({ disabled: [] }, fitted)).toEqual([]);
  });

  test("an agent of its own may not take an id that is there, and be named with the same change", () => {
    expect(issuesOf({ agents: [anAgent({ id: TINY })] })).toMatchObject([{ path: "agents[0].id" }]);
    expect(issuesOf({ agents: [anAgent({ id: GONE })], disabled: [GONE] })).toEqual([]);
  });

  test("more agents than a pool takes", () => {
    const many = Array.from({ length: 61 }, (_, at) => anAgent({ id: `agt_own-${at}` }));
    expect(issuesOf({ agents: many })).toEqual([
      { path: "agents", message: "a pool of 65 agents; at most 64 are taken" },
    ]);
    expect(issuesOf({ agents: many.slice(1) })).toEqual([]);
  });

  test("deadlines beyond the environment's, and a default beyond the maximum", () => {
    const { deadlines } = OPEN_MARKET;
    expect(issuesOf({ deadlines: { ...deadlines, bidMs: 20_000, juryMs: 10_000 } })).toEqual([]);
    expect(issuesOf({ deadlines: { ...deadlines, bidMs: 20_001, juryMs: 10_001 } })).toEqual([
      { path: "deadlines.bidMs", message: "at most 20000, as this deployment has it" },
      { path: "deadlines.juryMs", message: "at most 10000, as this deployment has it" },
    ]);
    expect(issuesOf({ deadlines: { ...deadlines, taskDefaultS: 61, taskMaxS: 60 } })).toEqual([
      { path: "deadlines.taskDefaultS", message: "at most taskMaxS, 60" },
    ]);
  });

  test("shares that leave awards to nobody, of those that take part", () => {
    const all = Object.fromEntries(aPool().map(({ id }) => [id, 0.25]));
    expect(issuesOf({ maxShares: all })).toEqual([]);
    expect(issuesOf({ maxShares: all, disabled: [TINY] })).toMatchObject([
      { path: "maxShares", message: expect.stringContaining("sum to 0.75") },
    ]);
    const tenths = Object.fromEntries(aPool().map(({ id }, at) => [id, [0.1, 0.2, 0.3, 0.4][at] ?? 0]));
    expect(issuesOf({ maxShares: tenths })).toEqual([]);
  });

  test("a document that is larger than what is kept", () => {
    expect(issuesOf({ fit: { note: "x".repeat(MAX_DOCUMENT_CHARS) } })).toMatchObject([{ path: "" }]);
  });
});

describe("a change", () => {
  test("names its fields with both values; the same again is none", () => {
    const next = withChange(BLANK, { disabled: [TINY], regions: ["eu"] });
    expect(changesBetween(BLANK, next)).toEqual([
      { field: "disabled", before: [], after: [TINY] },
      { field: "regions", before: null, after: ["eu"] },
    ]);
    expect(changesBetween(next, withChange(next, { disabled: [TINY] }))).toEqual([]);
  });

  test("new weights lose the figures of those before; the same ones keep them", () => {
    const fitted = withChange(BLANK, { weights: WEIGHTS, fit: { gap: 0 } });
    expect(withChange(fitted, { weights: { ...WEIGHTS } }).fit).toEqual({ gap: 0 });
    expect(withChange(fitted, { weights: { ...WEIGHTS, cost: 2 } }).fit).toBeNull();
    expect(withChange(fitted, { weights: null, fit: { gap: 1 } }).fit).toEqual({ gap: 1 });
  });
});

describe("an agent as its schema takes it", () => {
  test("reads as the same agent", () => {
    const agent = anAgent({
      price: 0.0325,
      regions: ["eu"],
      usdPerMtok: { input: 0.1, cachedInput: 0.01, cacheWrite: 0.125, output: 1.1 },
    });
    expect(agentSchema.parse(agentInput(agent))).toEqual(agent);
  });

  test.each([[[]], [["EU"]], [["eu "]], [["-eu"]]])("regions %j are none", (regions) => {
    expect(agentSchema.safeParse({ ...agentInput(anAgent()), regions }).success).toBe(false);
  });
});

describe("deadlines of tasks", () => {
  const { deadlines } = OPEN_MARKET;
  const secondsOf = (deadlineS: number, of: Partial<typeof deadlines>, named: boolean) => {
    const bounded = withDeadline(aTaskSpec({ limits: { deadlineS } }), { ...deadlines, ...of }, named);
    return bounded.ok ? bounded.value.limits.deadlineS : bounded.failure;
  };

  test.each<[number, Partial<typeof deadlines>, boolean, unknown]>([
    [3_600, {}, false, 3_600],
    [3_600, { taskDefaultS: 60 }, false, 60],
    [3_600, { taskDefaultS: 60 }, true, 3_600],
    [3_600, { taskMaxS: 600 }, false, 600],
    [3_600, { taskMaxS: 7_200 }, false, 3_600],
    [600, { taskMaxS: 600 }, true, 600],
    [601, { taskMaxS: 600 }, true, { reason: "deadline_too_long", maxS: 600 }],
    [3_600, { taskDefaultS: 7_200 }, false, 7_200],
  ])("%d s under %j, named: %j, is %j", (asked, of, named, wanted) => {
    expect(secondsOf(asked, of, named)).toEqual(wanted);
  });

  test("a request tells whether it named one, also as the default's own number", () => {
    expect(taskRequestSchema.parse({ prompt: "p" })).toEqual({
      spec: aTaskSpec({ prompt: "p" }),
      namesDeadline: false,
    });
    const named = { prompt: "p", limits: { deadlineS: 3_600, maxSteps: 3 } };
    expect(taskRequestSchema.parse(named)).toEqual({ spec: aTaskSpec(named), namesDeadline: true });
    expect(taskRequestSchema.safeParse({ prompt: "p", limits: { deadlineS: 4 } }).success).toBe(false);
  });

  test("calls have those of the environment unless a policy says so", () => {
    expect(callDeadlines(deadlines)).toEqual({});
    expect(callDeadlines({ ...deadlines, juryMs: 500 })).toEqual({
      callDeadlines: { bidMs: null, juryMs: 500 },
    });
  });
});
