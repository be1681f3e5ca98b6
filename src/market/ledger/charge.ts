/** Who pays what of a call, and the transfers that say so. Pure. */
import type { CallBill } from "../call.ts";
import type { CallId, TaskId } from "../ids.ts";
import { asMicros, type Micros } from "../money.ts";
import type { Transfer } from "./transfer.ts";

/** `lost`: its holder was given up. Another one does the call's work again, or may, and the tenant pays for one of them. */
export type Payer = "tenant" | "lost";

/** A call whose money is decided, as the ledger takes it. */
export interface SpentMoney {
  readonly callId: CallId;
  readonly status: CallBill["status"];
  readonly payer: Payer;
  /** Most that the call was held to cost. */
  readonly boundMicros: Micros;
  /** What the provider is owed: its bill, 0 where it refused, the bound where no bill came. */
  readonly micros: Micros;
}

/** Who pays what of a call; the three add up to what the provider is owed. */
export interface Shares {
  readonly charged: Micros;
  readonly overrun: Micros;
  readonly lost: Micros;
}

/**
 * The tenant pays its bill as far as it was held: up to the call's bound, and never more than what the task still has.
 *
 * @param heldMicros what is still set aside for the task, what an earlier booking of the same call took included
 */
export function sharesOf(
  call: Pick<SpentMoney, "payer" | "boundMicros" | "micros">,
  heldMicros: Micros,
): Shares {
  if (call.payer === "lost") return { charged: asMicros(0), overrun: asMicros(0), lost: call.micros };
  const charged = Math.min(call.micros, call.boundMicros, heldMicros);
  return { charged: asMicros(charged), overrun: asMicros(call.micros - charged), lost: asMicros(0) };
}

const NOTHING: Shares = { charged: asMicros(0), overrun: asMicros(0), lost: asMicros(0) };

/** What is booked of a call. */
export interface Booking {
  readonly shares: Shares;
  readonly transfers: readonly Transfer[];
}

/** A call's transfers: all of it where it is new, what changes where its bill comes after its bound. */
export function bookSpent(
  call: SpentMoney,
  context: { readonly taskId: TaskId; readonly heldMicros: Micros; readonly before: Shares | null },
): Booking {
  const { taskId, heldMicros } = context;
  const before = context.before ?? NOTHING;
  const shares = sharesOf(call, asMicros(heldMicros + before.charged));
  const about = { taskId, callId: call.callId };
  const transfers = [
    ...change(about, "charge", shares.charged - before.charged),
    ...change(about, "overrun", shares.overrun - before.overrun),
    ...change(about, "lost", shares.lost - before.lost),
  ];
  return { shares, transfers };
}

function change(
  about: Pick<Transfer, "taskId" | "callId">,
  kind: "charge" | "overrun" | "lost",
  micros: number,
): Transfer[] {
  if (micros === 0) return [];
  const payer = kind === "charge" ? "held" : kind;
  return micros > 0
    ? [{ ...about, kind, from: payer, to: "providers", micros: asMicros(micros) }]
    : [{ ...about, kind: "correct", from: "providers", to: payer, micros: asMicros(-micros) }];
}
