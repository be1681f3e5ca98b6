/** The grammar of policies' names. Names come from clients: whatever they write is a policy or a sentence. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JuryRules } from "../../../src/market/policy.ts";
import {
  MAX_POLICY_NAME_CHARS,
  parsePolicyName,
  printPolicyName,
  SHORT_NAMES,
  type PolicyChoice,
} from "../../../src/market/policy-name.ts";
import { taskSpecSchema } from "../../../src/market/task.ts";
import { aPool } from "../../support/builders.ts";
import { SALE_RULES } from "./support/arbitraries.ts";

const POOL = aPool();
const IDS = POOL.map((agent) => agent.id);

const juries: fc.Arbitrary<JuryRules> = fc.record({
  form: fc.constantFrom("batched", "pointwise"),
  size: fc.option(fc.integer({ min: 1, max: POOL.length })),
  self: fc.boolean(),
});
const auctionRules: fc.Arbitrary<typeof SALE_RULES> = fc.record({
  kind: fc.constant("auction"),
  entropy: fc.boolean(),
  memory: fc.boolean(),
  jury: fc.option(juries),
});
const auctions: fc.Arbitrary<PolicyChoice> = fc.record({
  rules: auctionRules,
  weights: fc.constantFrom("fitted", "default", "mean"),
});
/** Above 0, below ten million, six decimals. */
const share = fc.integer({ min: 1, max: 9_999_999_999_999 }).map((millionths) => millionths / 1_000_000);
const withoutAuction: fc.Arbitrary<PolicyChoice> = fc
  .oneof(
    fc.constantFrom({ kind: "cheapest" as const }, { kind: "random" as const }),
    fc.record({ kind: fc.constant("always" as const), agentId: fc.constantFrom(...IDS) }),
    fc.record({
      kind: fc.constant("static-mix" as const),
      shares: fc.dictionary(fc.constantFrom(...IDS), share, { minKeys: 1, noNullPrototype: true }),
    }),
  )
  .map((rules) => ({ rules, weights: "fitted" }));
const choices = fc.oneof(auctions, withoutAuction);

function parsed(name: string): PolicyChoice {
  const choice = parsePolicyName(name, POOL);
  if (!choice.ok) throw new Error(choice.failure);
  return choice.value;
}

const canonical = (name: string) => printPolicyName(parsed(name));

function refusal(name: string): string {
  const choice = parsePolicyName(name, POOL);
  return choice.ok ? `accepted as ${printPolicyName(choice.value)}` : choice.failure;
}

describe("a policy's name", () => {
  test("reads back as what it was printed from, and a task can carry it", () => {
    fc.assert(
      fc.property(choices, (choice) => {
        const name = printPolicyName(choice);
        expect(parsed(name)).toEqual(choice);
        expect(taskSpecSchema.parse({ prompt: "p", policy: name }).policy).toBe(name);
      }),
    );
  });

  test("is one for each policy: two that differ print differently", () => {
    fc.assert(
      fc.property(choices, choices, (a, b) => {
        fc.pre(!isSame(a, b));
        expect(printPolicyName(a)).not.toBe(printPolicyName(b));
      }),
    );
  });

  test("of the paper's mechanism is sale: entropy, the whole jury with self-assessment, memory", () => {
    expect(parsed("sale")).toEqual({ rules: SALE_RULES, weights: "fitted" });
  });

  // Each leaves one part of the paper's mechanism out and keeps the rest.
  const jury = SALE_RULES.jury;
  test.each([
    ["sale-no-memory", { ...SALE_RULES, memory: false }],
    ["sale-no-entropy", { ...SALE_RULES, entropy: false }],
    ["sale-no-self", { ...SALE_RULES, jury: { ...jury, self: false } }],
    ["sale-single-juror", { ...SALE_RULES, jury: { ...jury, size: 1 } }],
    ["sale-no-jury", { ...SALE_RULES, jury: null }],
    ["sale-pointwise", { ...SALE_RULES, jury: { ...jury, form: "pointwise" } }],
  ])("%s is short for its option", (name, rules) => {
    expect(parsed(name)).toEqual({ rules, weights: "fitted" });
    expect(canonical(name)).toBe(SHORT_NAMES[name]);
  });

  test("sale-mean is the paper's mechanism with other weights", () => {
    expect(parsed("sale-mean")).toEqual({ rules: SALE_RULES, weights: "mean" });
  });

  test("every short one means something, in any pool with an agent", () => {
    for (const name of Object.keys(SHORT_NAMES)) {
      expect(parsePolicyName(name, POOL.slice(0, 1)).ok, name).toBe(true);
    }
  });

  test.each([
    ["sale:memory=on,jury=batched,weights=fitted,entropy=on,self=on", "sale"],
    ["sale:memory=off,size=2", "sale:size=2,memory=off"],
    ["sale:weights=default,self=off,jury=pointwise", "sale:jury=pointwise,self=off,weights=default"],
    ["sale:jury=none,entropy=off", "sale:jury=none,entropy=off"],
    ["static-mix:agt_tiny=3,agt_large=1.50,agt_small=0", "static-mix:agt_large=1.5,agt_tiny=3"],
    ["always:agt_small", "always:agt_small"],
  ])("%s is recorded as %s", (name, recorded) => {
    expect(canonical(name)).toBe(recorded);
  });
});

describe("a name that is none says what is wrong and what is accepted", () => {
  test.each([
    ["", /"" is no policy; accepted are sale.*static-mix:.*always:<agent>.*cheapest.*sale-no-memory/],
    ["SALE", /no policy/],
    ["sale ", /no policy/],
    ["agt_small", /no policy/],
    ["sale:", /sale has no option ""; accepted are jury=batched\|pointwise\|none, size=1 to 4/],
    ["sale:jurors=2", /no option "jurors"/],
    ["sale:memory", /memory takes on\|off/],
    ["sale:memory=no", /"memory=no": memory takes on\|off/],
    ["sale:memory=on=off", /memory takes on\|off/],
    ["sale:memory=off,memory=off", /memory stands twice/],
    ["sale:size=0", /size takes 1 to 4, the pool's size/],
    ["sale:size=5", /size takes 1 to 4, the pool's size/],
    ["sale:size=1.5", /size takes 1 to 4/],
    ["sale:size=1e0", /size takes 1 to 4/],
    ["sale:jury=none,size=2", /size needs a jury/],
    ["sale:self=off,jury=none", /self needs a jury/],
    ["sale:weights=literal", /weights takes fitted\|default\|mean/],
    ["sale-no-memory:self=off", /no policy/],
    ["cheapest:", /cheapest takes no options/],
    ["random:7", /random takes no options/],
    ["always", /"" is no agent of the pool; its agents are agt_tiny, agt_small/],
    ["always:agt_stranger", /"agt_stranger" is no agent of the pool/],
    ["always:agt_small ", /no agent of the pool/],
    ["static-mix", /no agent of the pool/],
    ["static-mix:agt_tiny", /a share is a number from 0/],
    ["static-mix:agt_tiny=", /a share is a number/],
    ["static-mix:agt_tiny=-1", /a share is a number/],
    ["static-mix:agt_tiny=1e3", /a share is a number/],
    ["static-mix:agt_tiny=NaN", /a share is a number/],
    ["static-mix:agt_tiny=1,", /no agent of the pool/],
    ["static-mix:agt_tiny=1,agt_tiny=1", /agt_tiny stands twice/],
    ["static-mix:agt_tiny=0,agt_small=0.0", /at least one share must be above 0/],
    ["static-mix:agt_stranger=1", /"agt_stranger" is no agent of the pool/],
    ["sale:constructor=on", /no option "constructor"/],
    ["constructor", /no policy/],
    ["__proto__", /no policy/],
    ["always:__proto__", /no agent/],
    ["static-mix:__proto__=1", /no agent/],
  ])("%j", (name, sentence) => {
    expect(refusal(name)).toMatch(sentence);
  });

  test("in a sentence that is not much longer than it has to be, whatever was written", () => {
    const text = fc.oneof(
      fc.string({ maxLength: MAX_POLICY_NAME_CHARS }),
      fc.string({ maxLength: MAX_POLICY_NAME_CHARS }).map((rest) => `sale:${rest}`),
      fc.string({ maxLength: MAX_POLICY_NAME_CHARS }).map((rest) => `static-mix:${rest}`),
    );
    fc.assert(
      fc.property(text, (name) => {
        const choice = parsePolicyName(name, POOL);
        if (choice.ok) expect(canonical(printPolicyName(choice.value))).toBe(printPolicyName(choice.value));
        else expect(choice.failure.length).toBeLessThan(700);
      }),
    );
  });
});

function isSame(a: PolicyChoice, b: PolicyChoice): boolean {
  const figures = ({ rules, weights }: PolicyChoice) => [
    weights,
    rules.kind === "static-mix" ? IDS.map((id) => rules.shares[id] ?? 0) : rules,
  ];
  return JSON.stringify(figures(a)) === JSON.stringify(figures(b));
}
