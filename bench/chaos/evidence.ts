/** What a run is judged by: the models' own log, and what clients, receivers and rooms saw. Plain data. */
import type { CallRow } from "../../emulators/log/call-row.ts";
import type { TaskEvent } from "../../src/market/event.ts";
import type { Books } from "../../src/market/ledger/reconcile.ts";
import type { Prices, TokenUsage } from "../../src/market/money.ts";
import type { JsonValue } from "../../src/market/step.ts";
import type { RoomState } from "./worker/room-state.ts";

export interface AgentSeen {
  readonly id: string;
  /** As the provider is asked for it; the emulators' log goes by it. */
  readonly model: string;
  readonly prices: Prices;
}

export interface StepSeen {
  readonly attempt: number;
  readonly step: number;
  readonly text: string;
  readonly toolCalls: readonly {
    readonly id: string;
    readonly name: string;
    readonly input: JsonValue;
    readonly outcome: { readonly ok: boolean };
  }[];
  readonly usage: TokenUsage;
  readonly costMicros: number;
}

export interface CallSeen {
  readonly callId: string;
  readonly kind: string;
  readonly agentId: string | null;
  readonly attempt: number;
  readonly status: "started" | "billed" | "refused" | "unconfirmed";
  readonly boundMicros: number;
  readonly costMicros: number;
  readonly payer: "tenant" | "lost";
  readonly usage: TokenUsage | null;
}

/** A task as the API shows it at the end. */
export interface TaskSeen {
  readonly taskId: string;
  readonly tenantId: string;
  readonly state: string;
  readonly costMicros: number;
  readonly attempts: number;
  /** Its stream from the first event on. */
  readonly events: readonly TaskEvent[];
  readonly steps: readonly StepSeen[];
  readonly calls: readonly CallSeen[];
  /** Texts of the files that it keeps, by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** Events as a listener heard them while the process was killed: over many connections, each after the last event. */
export interface Heard {
  readonly taskId: string;
  readonly seqs: readonly number[];
  readonly types: readonly string[];
  /** What it showed of the committed steps' text; null: it did not ask for text. */
  readonly shown:
    | readonly { readonly attempt: number; readonly step: number; readonly text: string }[]
    | null;
}

/** A result that a tenant's checker was asked about. */
export interface Checked {
  /** `webhook-id`. */
  readonly id: string;
  readonly taskId: string;
  readonly attempt: number;
  /** What it says of it, whenever it is asked. */
  readonly outcome: "pass" | "fail";
}

/** A call that reached a tenant's own tool. */
export interface ToolHit {
  readonly idempotencyKey: string;
  readonly url: string;
}

/** What clients were told of one Idempotency-Key, each time that they asked. */
export interface Acknowledged {
  readonly tenantId: string;
  readonly key: string;
  readonly taskIds: readonly string[];
}

export interface Delivered {
  /** `webhook-id`. */
  readonly id: string;
  /** Of the request: names the tenant. */
  readonly path: string;
  readonly type: string;
  readonly taskId: string | null;
  readonly state: string | null;
  /** Whether the receiver said yes. */
  readonly accepted: boolean;
}

export interface TenantSeen {
  readonly tenantId: string;
  readonly name: string;
  /** Path of the endpoint that hears of all ends; null: it has none. */
  readonly hookPath: string | null;
  readonly capMicros: number | null;
  readonly books: Books;
  readonly heldMicros: number;
  readonly spentMicros: number;
  readonly agents: readonly AgentSeen[];
  readonly market: RoomState;
  /** By task. */
  readonly rooms: Readonly<Record<string, RoomState>>;
  /** D1's rows, table by table. */
  readonly history: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

/** What is left of a tenant that was deleted while the process was killed. */
export interface GoneSeen extends Pick<TenantSeen, "tenantId" | "market" | "rooms" | "history"> {
  /** Whether the deletion came to its end. */
  readonly deleted: boolean;
}

/** A read with another tenant's key, and the status that came. */
export interface Trespass {
  readonly taskId: string;
  readonly path: string;
  readonly status: number;
}

export interface Evidence {
  readonly tenants: readonly TenantSeen[];
  readonly gone: readonly GoneSeen[];
  readonly tasks: readonly TaskSeen[];
  readonly heard: readonly Heard[];
  readonly acknowledged: readonly Acknowledged[];
  readonly log: readonly CallRow[];
  readonly delivered: readonly Delivered[];
  readonly checked: readonly Checked[];
  readonly toolHits: readonly ToolHit[];
  readonly trespasses: readonly Trespass[];
  /** Vectors in the index, all tenants together. */
  readonly vectors: number;
}
