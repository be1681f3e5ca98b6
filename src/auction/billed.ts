/** What a call's bill says of tokens and money: nothing unless the provider reported them. */
import type { CallBill } from "../market/call.ts";
import { ZERO_MICROS, type Micros, type TokenUsage } from "../market/money.ts";

export function billedUsage(bill: CallBill): TokenUsage | null {
  return bill.status === "billed" ? bill.usage : null;
}

/** Confirmed cost only: what stays unconfirmed is counted where calls are booked. */
export function billedCost(bill: CallBill): Micros {
  return bill.status === "billed" ? bill.costMicros : ZERO_MICROS;
}
