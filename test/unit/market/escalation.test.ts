/** Who may escalate, after what, and what is frozen of it. */
import { describe, expect, test } from "vitest";
import {
  escalationSchema,
  failureOf,
  frozenEscalation,
  NO_ESCALATION,
} from "../../../src/market/escalation.ts";
import { makePolicy, withEscalation } from "../../../src/market/policy.ts";
import { changesBetween, storedDocument, withChange } from "../../../src/market/policy-document.ts";
import type { EndReport, Verdict } from "../../../src/market/report.ts";
import { quoteRequestSchema, taskRequestSchema, type TaskEnd } from "../../../src/market/task.ts";
import type { VerdictOutcome } from "../../../src/market/verifier-spec.ts";
import { anOpening, aPolicy, aPool } from "../../support/builders.ts";

const VERIFIED = { mode: "verified", maxAttempts: 3 } as const;
const wrong = (input: unknown) => !escalationSchema.safeParse(input).success;

describe("an escalation", () => {
  test.each([
    [{ mode: "none" }, false],
    [{ mode: "verified", maxAttempts: 2 }, false],
    [{ mode: "verified", maxAttempts: 8 }, false],
    [{ mode: "verified", maxAttempts: 1 }, true],
    [{ mode: "verified", maxAttempts: 9 }, true],
    [{ mode: "verified", maxAttempts: 2.5 }, true],
    [{ mode: "verified" }, true],
    [{ mode: "none", maxAttempts: 2 }, true],
    [{ mode: "always" }, true],
    ["verified", true],
  ])("%j is refused: %s", (input, refused) => {
    expect(wrong(input)).toBe(refused);
  });

  test("of a task is its tenant's where it says nothing, and of a quote there is none", () => {
    expect(taskRequestSchema.parse({ prompt: "p" }).spec.escalation).toBeNull();
    expect(taskRequestSchema.parse({ prompt: "p", escalation: VERIFIED }).spec.escalation).toEqual(VERIFIED);
    expect(quoteRequestSchema.parse({ prompt: "p" }).spec.escalation).toBeNull();
    const asked = quoteRequestSchema.safeParse({ prompt: "p", escalation: VERIFIED });
    expect(asked.error?.issues).toMatchObject([
      { path: ["escalation"], message: "a quote has none: one bid of it is accepted" },
    ]);
  });

  test("is frozen with the policy, and absent from it where there is none", () => {
    const made = { name: "sale", rules: aPolicy("sale").rules, pool: aPool(), version: 1 };
    expect(makePolicy({ ...made, escalation: VERIFIED }).escalation).toEqual(VERIFIED);
    expect(makePolicy({ ...made, escalation: NO_ESCALATION })).not.toHaveProperty("escalation");
    expect(makePolicy(made)).not.toHaveProperty("escalation");
    expect(frozenEscalation(NO_ESCALATION)).toEqual({});
    const tenants = makePolicy({ ...made, escalation: VERIFIED });
    expect(withEscalation(tenants, NO_ESCALATION)).toEqual(makePolicy(made));
    expect(withEscalation(makePolicy(made), VERIFIED)).toEqual(tenants);
  });

  test("is what documents from before there was any lack, and a change like any other", () => {
    const before = storedDocument({ name: "sale" });
    expect(before.escalation).toEqual(NO_ESCALATION);
    const after = withChange(before, { escalation: VERIFIED });
    expect(changesBetween(before, after)).toEqual([
      { field: "escalation", before: NO_ESCALATION, after: VERIFIED },
    ]);
    expect(withChange(after, { name: "sale-mean" }).escalation).toEqual(VERIFIED);
  });
});

const FAIL: Verdict = { outcome: "fail", verifier: "equals", evidence: "not 42" };
const reported = (end: TaskEnd, fields: Partial<EndReport> = {}): EndReport => ({
  taskId: anOpening().taskId,
  attempt: 1,
  end,
  verdict: FAIL,
  trace: null,
  ...fields,
});

const finished = (outcome: VerdictOutcome, verdict: Verdict | null = { ...FAIL, outcome }) =>
  reported({ state: "finished", outcome }, { verdict });

test.each<[string, boolean, EndReport]>([
  ["a verifier's fail", true, finished("fail")],
  ["of a later attempt", true, { ...finished("fail"), attempt: 4 }],
  ["unknown", false, finished("unknown")],
  ["pass", false, finished("pass")],
  ["a fail without a verdict", false, finished("fail", null)],
  ["a failure of its own", false, reported({ state: "failed", reason: "step_limit" })],
  ["a cancel after the verdict", false, reported({ state: "cancelled" })],
  ["an end before an award", false, { ...finished("fail"), attempt: 0 }],
])("%s leads on to another attempt: %s", (_, leads, report) => {
  expect(failureOf(report)).toEqual(leads ? FAIL : null);
});
