/**
 * Events of a task: its journal, and what a listener sees, in one numbered sequence.
 *
 * Numbers start at 1 and have no gaps; only the task's own room gives them out.
 */
import type { AbstainReason, Round } from "./auction-record.ts";
import type { CallFailureReason } from "./call.ts";
import type { AgentId, AuctionId, TaskId } from "./ids.ts";
import type { Micros, TokenUsage } from "./money.ts";
import type { CalibratedAuction } from "./policy.ts";
import type { ScoredBid } from "./score.ts";
import type { PassedOver } from "./sale/sale.ts";
import type { TakeoverReason } from "./takeover.ts";
import type { FailureReason, NoSaleReason, Relaxation } from "./task.ts";
import type { Awaited, VerdictOutcome } from "./verifier-spec.ts";
import type { WrapUpLimit } from "./wrap-up.ts";

export type TaskEventBody =
  | { readonly type: "task-admitted"; readonly taskId: TaskId; readonly sequence: number }
  | {
      readonly type: "auction-opened";
      readonly auctionId: AuctionId;
      readonly bidders: readonly {
        readonly agentId: AgentId;
        readonly name: string;
        readonly emulated: boolean;
      }[];
    }
  | {
      readonly type: "auction-resumed";
      readonly generation: number;
      readonly bids: number;
      readonly verdicts: number;
    }
  | {
      readonly type: "bid-received";
      readonly round: Round;
      readonly agentId: AgentId;
      readonly strategy: string;
      readonly visibleTokens: number;
      readonly entropy: number | null;
      readonly costMicros: Micros;
      readonly ms: number;
    }
  | {
      readonly type: "bid-abstained";
      readonly round: Round;
      readonly agentId: AgentId;
      readonly reason: AbstainReason;
      readonly message: string;
    }
  /** Of the first round; once more where the auction was resumed and jurors are left to ask. */
  | { readonly type: "jury-asked" }
  | {
      readonly type: "verdict-received";
      readonly round: Round;
      readonly jurorId: AgentId;
      readonly scores: Readonly<Record<AgentId, number>>;
      /** Bids that the juror failed on: each has 0 from it. */
      readonly failedOn: Readonly<Record<AgentId, CallFailureReason>>;
      readonly costMicros: Micros;
      readonly ms: number;
    }
  | {
      readonly type: "juror-left";
      readonly round: Round;
      readonly jurorId: AgentId;
      readonly reason: CallFailureReason;
      readonly message: string;
    }
  | {
      readonly type: "refinement-opened";
      readonly provisionalWinner: AgentId;
      readonly asked: readonly { readonly agentId: AgentId; readonly pairs: number }[];
    }
  | {
      readonly type: "auction-cleared";
      readonly winner: AgentId;
      /** Which of its strategies is the plan; 0: the policy held no auction. */
      readonly round: 0 | Round;
      readonly provisionalWinner: AgentId;
      readonly margin: number | null;
      readonly entropyUsed: boolean;
      /** Of the round that decided, best first. */
      readonly ranking: readonly ScoredBid[];
    }
  | {
      /** In place of an auction: this task is a calibration run of a past one's. */
      readonly type: "calibration-opened";
      readonly agentId: AgentId;
      readonly calibrates: CalibratedAuction;
    }
  | {
      /** The auction of a quote has cleared: its bids may be accepted. Best first. */
      readonly type: "quote-opened";
      readonly expiresAtMs: number;
      readonly offers: readonly {
        readonly agentId: AgentId;
        readonly expectedMicros: Micros;
        readonly capMicros: Micros;
        /** False: one of the task's limits stands against it. */
        readonly acceptable: boolean;
      }[];
    }
  | { readonly type: "quote-accepted"; readonly agentId: AgentId }
  | {
      readonly type: "task-awarded";
      readonly attempt: number;
      readonly agentId: AgentId;
      /** Better bids that a limit stood against; absent: there were none. */
      readonly passedOver?: readonly PassedOver[];
    }
  | {
      /** The verifier said fail, and the task was sold to the next agent. */
      readonly type: "task-escalated";
      /** The one that failed. */
      readonly attempt: number;
      readonly outcome: "fail";
      /** Its beginning: the verification has it in full. */
      readonly evidence: string;
      readonly nextAgentId: AgentId;
    }
  | {
      /** The agent could not go on, and the task was sold to the next one, which does. */
      readonly type: "trace-handed-over";
      /** The one that ended. */
      readonly attempt: number;
      readonly fromAgentId: AgentId;
      readonly toAgentId: AgentId;
      readonly reason: TakeoverReason;
      /** That the next agent goes on with. */
      readonly stepsSoFar: number;
    }
  | {
      /** Follows the end of a task that had been given up: its operator has it go on, from what was committed. */
      readonly type: "task-redriven";
      /** 0: it goes on with its auction. */
      readonly attempt: number;
      readonly stepsSoFar: number;
    }
  /** The tenant has as many traces in flight as it may: this one waits for a place. */
  | { readonly type: "trace-queued"; readonly attempt: number }
  /** The queued trace has its place, and is announced. */
  | { readonly type: "trace-placed"; readonly attempt: number }
  | {
      readonly type: "trace-taken-up";
      readonly attempt: number;
      readonly generation: number;
      readonly stepsSoFar: number;
    }
  | {
      readonly type: "step-committed";
      readonly attempt: number;
      readonly step: number;
      readonly tools: readonly { readonly name: string; readonly ok: boolean }[];
      /** Length of the step's text in UTF-16 code units; absent: from before texts were told live. */
      readonly textChars?: number;
      readonly usage: TokenUsage;
      readonly costMicros: Micros;
    }
  | {
      /** A call of the step that is due gave no usable answer. */
      readonly type: "call-failed";
      readonly attempt: number;
      /** The step that is due. */
      readonly step: number;
      readonly reason: CallFailureReason;
      /** Calls of this step that failed, this one included. */
      readonly failed: number;
      /** Until the next one is made; null: there is none. */
      readonly retryInMs: number | null;
    }
  /** Tools' answers were shortened, so that the conversation fits into the agent's window. */
  | {
      readonly type: "context-compacted";
      readonly attempt: number;
      readonly step: number;
      /** Answers that stand shortened from here on, and how many UTF-16 units of them are left out. */
      readonly outputs: number;
      readonly characters: number;
    }
  /** One step is left to the agent: it is to hand in what it has, and no other tool runs any more. */
  | {
      readonly type: "wrap-up-asked";
      readonly attempt: number;
      readonly step: number;
      readonly limit: WrapUpLimit;
    }
  /** The holder was not heard of for a lease's time: the trace waits for another one, under the next generation. */
  | {
      readonly type: "trace-lapsed";
      readonly attempt: number;
      readonly generation: number;
      /** Holders in a row that were lost without a step. */
      readonly lapses: number;
    }
  | { readonly type: "trace-ended"; readonly attempt: number; readonly steps: number }
  | {
      /** There is a result, and its verdict is somebody else's to give. */
      readonly type: "verification-waits";
      readonly attempt: number;
      readonly for: Awaited;
      /** From then on the verdict is `unknown`. */
      readonly untilMs: number;
    }
  | {
      /** The checker was asked, and gave no answer that a verdict could be made of. */
      readonly type: "check-failed";
      readonly attempt: number;
      readonly tries: number;
      readonly reason: string;
      /** Null: it is not asked again. */
      readonly retryAtMs: number | null;
    }
  | {
      /** A judge of the panel has said what it thinks of the result; its reason stands in the verdict's evidence. */
      readonly type: "ruling-received";
      readonly attempt: number;
      readonly agentId: AgentId;
      readonly verdict: VerdictOutcome;
      readonly costMicros: Micros;
      readonly ms: number;
    }
  | {
      readonly type: "judge-left";
      readonly attempt: number;
      readonly agentId: AgentId;
      readonly reason: CallFailureReason;
    }
  | {
      readonly type: "verification-ended";
      readonly attempt: number;
      readonly outcome: VerdictOutcome;
      readonly verifier: string;
      readonly evidence: string;
    }
  | { readonly type: "cancel-requested" }
  /** Whoever holds the work is told to stop; where nobody does, the task's end is all there is to tell. */
  | { readonly type: "deadline-passed" }
  | { readonly type: "task-finished"; readonly outcome: VerdictOutcome; readonly costMicros: Micros }
  | { readonly type: "task-failed"; readonly reason: FailureReason; readonly costMicros: Micros }
  | { readonly type: "task-cancelled"; readonly costMicros: Micros }
  | {
      readonly type: "task-not-sold";
      readonly reason: NoSaleReason;
      readonly relaxation: Relaxation | null;
      readonly costMicros: Micros;
    };

export type TaskEvent = TaskEventBody & { readonly seq: number; readonly atMs: number };
export type TaskEventType = TaskEventBody["type"];

/** True for the event after which nothing follows, unless the task had been given up and is redriven. */
export function isLastEvent({ type }: TaskEventBody): boolean {
  return LAST_EVENTS.has(type);
}

const LAST_EVENTS: ReadonlySet<TaskEventType> = new Set([
  "task-finished",
  "task-failed",
  "task-cancelled",
  "task-not-sold",
]);
