/** What the tenant pays of a call, as far as is known: the market room books it so. */
import { asMicros, ZERO_MICROS, type Micros } from "../market/money.ts";
import type { CallView } from "./task-room-api.ts";

/** What its provider is owed, up to the call's bound; nothing for one whose work was done again. */
export function paidMicros({ payer, costMicros, boundMicros }: CallView): Micros {
  return payer === "lost" ? ZERO_MICROS : asMicros(Math.min(costMicros, boundMicros));
}
