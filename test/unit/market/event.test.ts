import { expect, test } from "vitest";
import { isLastEvent, type TaskEventBody, type TaskEventType } from "../../../src/market/event.ts";
import { agentId, anOpening, aUsage } from "../../support/builders.ts";
import { ZERO_MICROS } from "../../../src/market/money.ts";

const { taskId, auctionId } = anOpening();
const id = agentId("large");
const costMicros = ZERO_MICROS;

// One of each: a new type of event does not compile until it stands here, with whether anything follows it.
const EVENTS: {
  readonly [T in TaskEventType]: readonly [body: Extract<TaskEventBody, { type: T }>, last: boolean];
} = {
  "task-admitted": [{ type: "task-admitted", taskId, sequence: 1 }, false],
  "auction-opened": [{ type: "auction-opened", auctionId, bidders: [] }, false],
  "auction-resumed": [{ type: "auction-resumed", generation: 2, bids: 1, verdicts: 0 }, false],
  "bid-received": [
    {
      type: "bid-received",
      round: 1,
      agentId: id,
      strategy: "s",
      visibleTokens: 1,
      entropy: null,
      costMicros,
      ms: 1,
    },
    false,
  ],
  "bid-abstained": [{ type: "bid-abstained", round: 2, agentId: id, reason: "timeout", message: "" }, false],
  "verdict-received": [
    { type: "verdict-received", round: 1, jurorId: id, scores: {}, failedOn: {}, costMicros, ms: 1 },
    false,
  ],
  "jury-asked": [{ type: "jury-asked" }, false],
  "juror-left": [{ type: "juror-left", round: 2, jurorId: id, reason: "empty", message: "" }, false],
  "refinement-opened": [{ type: "refinement-opened", provisionalWinner: id, asked: [] }, false],
  "auction-cleared": [
    {
      type: "auction-cleared",
      winner: id,
      round: 0,
      provisionalWinner: id,
      margin: null,
      entropyUsed: false,
      ranking: [],
    },
    false,
  ],
  "calibration-opened": [
    {
      type: "calibration-opened",
      agentId: id,
      calibrates: { taskId, auctionId },
    },
    false,
  ],
  "task-redriven": [{ type: "task-redriven", attempt: 2, stepsSoFar: 7 }, false],
  "trace-lapsed": [{ type: "trace-lapsed", attempt: 1, generation: 2, lapses: 1 }, false],
  "task-escalated": [
    { type: "task-escalated", attempt: 1, outcome: "fail", evidence: "", nextAgentId: id },
    false,
  ],
  "task-awarded": [{ type: "task-awarded", attempt: 1, agentId: id }, false],
  "trace-queued": [{ type: "trace-queued", attempt: 1 }, false],
  "trace-placed": [{ type: "trace-placed", attempt: 1 }, false],
  "deadline-passed": [{ type: "deadline-passed" }, false],
  "trace-taken-up": [{ type: "trace-taken-up", attempt: 1, generation: 1, stepsSoFar: 0 }, false],
  "step-committed": [
    { type: "step-committed", attempt: 1, step: 1, tools: [], usage: aUsage(), costMicros },
    false,
  ],
  "trace-handed-over": [
    {
      type: "trace-handed-over",
      attempt: 1,
      fromAgentId: id,
      toAgentId: id,
      reason: "agent_failed",
      stepsSoFar: 3,
    },
    false,
  ],
  "call-failed": [
    { type: "call-failed", attempt: 1, step: 2, reason: "rate_limited", failed: 1, retryInMs: 500 },
    false,
  ],
  "context-compacted": [
    { type: "context-compacted", attempt: 1, step: 9, outputs: 4, characters: 90_000 },
    false,
  ],
  "wrap-up-asked": [{ type: "wrap-up-asked", attempt: 1, step: 3, limit: "deadline" }, false],
  "trace-ended": [{ type: "trace-ended", attempt: 1, steps: 1 }, false],
  "verification-waits": [{ type: "verification-waits", attempt: 1, for: "user", untilMs: 1 }, false],
  "ruling-received": [
    { type: "ruling-received", attempt: 1, agentId: id, verdict: "pass", costMicros, ms: 1 },
    false,
  ],
  "judge-left": [{ type: "judge-left", attempt: 1, agentId: id, reason: "timeout" }, false],
  "check-failed": [
    { type: "check-failed", attempt: 1, tries: 1, reason: "it answered 500", retryAtMs: 1 },
    false,
  ],
  "verification-ended": [
    { type: "verification-ended", attempt: 1, outcome: "pass", verifier: "equals", evidence: "" },
    false,
  ],
  "cancel-requested": [{ type: "cancel-requested" }, false],
  "task-finished": [{ type: "task-finished", outcome: "pass", costMicros }, true],
  "task-failed": [{ type: "task-failed", reason: "deadline", costMicros }, true],
  "quote-opened": [
    {
      type: "quote-opened",
      expiresAtMs: 1,
      offers: [{ agentId: id, expectedMicros: costMicros, capMicros: costMicros, acceptable: true }],
    },
    false,
  ],
  "quote-accepted": [{ type: "quote-accepted", agentId: id }, false],
  "task-not-sold": [{ type: "task-not-sold", reason: "quote_expired", relaxation: null, costMicros }, true],
  "task-cancelled": [{ type: "task-cancelled", costMicros }, true],
};

test.each(Object.values(EVENTS))("$type", (body, last) => {
  expect(isLastEvent(body)).toBe(last);
});
