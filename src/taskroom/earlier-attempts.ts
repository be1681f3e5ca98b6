/**
 * Attempts that a verifier failed (`market/escalation.ts`), or whose agent could not go on (`market/takeover.ts`), and the
 * way from one to the next. Pure.
 *
 * An attempt that a room has reported is over for it, and its task is not: the award of the next attempt is the market
 * room's answer, whether it comes before or after the answer to the report does.
 */
import type { Award, SaleRecord } from "../market/award.ts";
import { failureOf } from "../market/escalation.ts";
import type { AgentId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { Verdict } from "../market/report.ts";
import { takeoverReasonOf, type TakeoverReason } from "../market/takeover.ts";
import type { TaskDoc } from "./journal.ts";

/** Ours: of an earlier result, so much is kept beside its steps. In UTF-16 units. */
const MAX_KEPT_CHARS = 20_000;
const MAX_EVENT_CHARS = 500;

/** As it is kept. */
export interface EarlierAttempt {
  readonly attempt: number;
  readonly agentId: AgentId;
  /** Null: the clearing's winner was sold. */
  readonly sale: SaleRecord | null;
  /** Null: none; its agent could not go on, and the next one did. */
  readonly verdict: Verdict | null;
  /** Why its agent could not go on; absent: a verifier failed it. */
  readonly handedOver?: TakeoverReason;
  /** As of an award. */
  readonly continuesFrom?: number;
  /** Its beginning; empty where there is none. */
  readonly result: string;
  /** Length of the whole, in UTF-16 units. */
  readonly resultChars: number;
  readonly steps: number;
  readonly costMicros: Micros;
  readonly awardedAtMs: number;
  readonly endedAtMs: number;
}

/**
 * The attempt that the task goes on from with this award; null: it does not wait for it. Only what a verifier failed is
 * begun anew, and only what an agent left is gone on with.
 */
export function attemptBefore(
  task: TaskDoc | null,
  { attempt, continues = false }: Pick<Award, "attempt" | "continues">,
): EarlierAttempt | null {
  if (task === null || task.report === null || task.end !== null || task.award === null) return null;
  const { report, award, result } = task;
  if (report.trace === null || report.attempt + 1 !== attempt) return null;
  const verdict = continues ? null : failureOf(report);
  const handedOver = continues ? takeoverReasonOf(report) : null;
  if (verdict === null && handedOver === null) return null;
  const { steps, costMicros, awardedAtMs, endedAtMs } = report.trace;
  return {
    attempt: report.attempt,
    agentId: award.agentId,
    sale: award.sale ?? null,
    verdict,
    ...(handedOver !== null && { handedOver }),
    ...(award.continuesFrom !== undefined && { continuesFrom: award.continuesFrom }),
    result: beginning(result ?? "", MAX_KEPT_CHARS),
    resultChars: result?.length ?? 0,
    steps,
    costMicros,
    awardedAtMs,
    endedAtMs,
  };
}

export function evidenceOf({ evidence }: Verdict): string {
  return beginning(evidence, MAX_EVENT_CHARS);
}

function beginning(text: string, chars: number): string {
  return text.length <= chars ? text : text.slice(0, chars).toWellFormed();
}
