/** What a provider knows of the calls that it was asked: the oracle of the tests about money. */
import type { CallBill, StartedCall } from "../../../src/market/call.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { aUsage } from "../../support/builders.ts";

/** How a call ends: with a bill of so much of its bound, refused, without usage, or never as far as anybody hears. */
export type Fate = { readonly billed: number } | "refused" | "unconfirmed" | "silence";

/** What a provider knows of a call that it was asked. */
export interface Asked {
  readonly call: StartedCall;
  readonly taskId: TaskId;
  /** What it will bill; null: it has not answered yet. */
  bill: CallBill | null;
  /** Whether the task's room took the bill as long as it took any. */
  told: boolean;
}

const PRICES = {
  inputMicrosPerMtok: 1_000_000,
  cachedInputMicrosPerMtok: 1_000_000,
  cacheWriteMicrosPerMtok: 1_000_000,
  outputMicrosPerMtok: 0,
};

/** A bill of exactly so much. */
function billOf(micros: number): CallBill {
  const usage = aUsage({ inputTokens: micros, outputTokens: 0 });
  return { status: "billed", usage, costMicros: asMicros(micros), prices: PRICES };
}

/** The provider answers; null: nobody hears of it. */
export function answered(asked: Asked, fate: Fate): CallBill | null {
  if (fate === "silence") {
    asked.bill = billOf(asked.call.boundMicros);
    return null;
  }
  asked.bill =
    typeof fate === "string" ? { status: fate } : billOf(Math.ceil(asked.call.boundMicros * fate.billed));
  return asked.bill;
}

export function owedFor(bill: CallBill | null, call: StartedCall): number {
  if (bill?.status === "billed") return bill.costMicros;
  return bill?.status === "refused" ? 0 : call.boundMicros;
}
