/** What a provider knows of the calls that it was asked: the oracle of the tests about money. */
import assert from "node:assert/strict";
import type { CallBill, StartedCall } from "../../../src/market/call.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import type { CallLine } from "../../../src/market/ledger/reconcile.ts";
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
  /** Whether its holder was given up before it was answered, and its task went on: another one does its work again. */
  belated: boolean;
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

function owedFor(bill: CallBill | null, call: StartedCall): number {
  if (bill?.status === "billed") return bill.costMicros;
  return bill?.status === "refused" ? 0 : call.boundMicros;
}

/** Fails unless every call that was made is in the books, at what is owed for it. */
export function assertBooked(calls: readonly CallLine[], made: Iterable<Asked>): void {
  const booked = new Map(calls.map((call) => [call.callId, call]));
  for (const { call, bill, told, belated } of made) {
    const line = booked.get(call.callId);
    if (line === undefined) throw new Error(`${call.kind} ${call.callId} was made and is not in the books`);
    const inBooks = line.chargedMicros + line.overrunMicros + line.lostMicros;
    const known = told && bill !== null && bill.status !== "unconfirmed";
    // A bill that came when its task was over already may not count any more: the bound stands.
    const owed = known ? owedFor(bill, call) : call.boundMicros;
    assert.ok([owed, call.boundMicros].includes(asMicros(inBooks)), `${inBooks} is booked, ${owed} is owed`);
    if (belated) assert.equal(line.payer, "lost", "the tenant pays for a late holder's call");
    if (line.status !== "unconfirmed") assert.equal(inBooks, owedFor(bill, call));
  }
}
