/**
 * Ids: branded strings with a prefix that says what they name, sortable by the time they were made.
 *
 * Only `newId` and `parseId` make them. Time and randomness are passed in: this room has neither.
 */
import { ulid } from "ulidx";

declare const brand: unique symbol;
type Branded<P extends string> = string & { readonly [brand]: P };

export type TaskId = Branded<"tsk">;
export type AuctionId = Branded<"auc">;
export type BidId = Branded<"bid">;
export type AgentId = Branded<"agt">;
export type TenantId = Branded<"ten">;
export type KeyId = Branded<"key">;
export type CallId = Branded<"cal">;
export type TraceId = Branded<"trc">;
export type CalibrationId = Branded<"clb">;
export type QuoteId = Branded<"quo">;
export type WebhookId = Branded<"whk">;
export type DeliveryId = Branded<"dlv">;
export type StuckId = Branded<"stk">;
export type ToolId = Branded<"tol">;

interface IdTypes {
  readonly tsk: TaskId;
  readonly auc: AuctionId;
  readonly bid: BidId;
  readonly agt: AgentId;
  readonly ten: TenantId;
  readonly key: KeyId;
  readonly cal: CallId;
  readonly trc: TraceId;
  readonly clb: CalibrationId;
  readonly quo: QuoteId;
  readonly whk: WebhookId;
  readonly dlv: DeliveryId;
  readonly stk: StuckId;
  readonly tol: ToolId;
}

export type IdPrefix = keyof IdTypes;

/** Where time and chance come from; tests pass fixed ones. */
export interface Source {
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number;
  /** Uniform in [0, 1), from a cryptographic generator in production. */
  readonly random: () => number;
}

/** A new id such as `tsk_01k…` (26 characters of Crockford base 32 after the prefix, lower case). */
export function newId<P extends IdPrefix>(prefix: P, source: Source): IdTypes[P] {
  return `${prefix}_${ulid(source.now(), () => source.random()).toLowerCase()}` as IdTypes[P];
}

const ULID = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** The id if `text` has the form of one with this prefix, else null. It need not name anything that exists. */
export function parseId<P extends Exclude<IdPrefix, "agt">>(prefix: P, text: string): IdTypes[P] | null {
  const [head, body, ...rest] = text.split("_");
  if (head !== prefix || body === undefined || rest.length > 0 || !ULID.test(body)) return null;
  return text as IdTypes[P];
}

/** Agents are named by their pool (`agt_` and a readable slug), so that prices and seeds stay with a name. */
export const AGENT_ID_PATTERN = /^agt_[a-z0-9][a-z0-9-]{0,62}$/;
