/** What the parts of an auction work with, and how a run ends early. */
import type { ModelPort } from "../agents/model-port.ts";
import type { Config } from "../config.ts";
import type { RecalledEntry } from "../market/memory.ts";
import type { Opening } from "../market/auction-record.ts";
import type { CallBill } from "../market/call.ts";
import type { TenantId } from "../market/ids.ts";
import type { SpendRefusal } from "../market/ledger/spend-refusal.ts";
import type { Micros } from "../market/money.ts";
import type { AuctionDesk } from "../taskroom/task-room-api.ts";
import type { AuctionLog } from "./auction-log.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";
import type { HelperStock } from "./spread-calls.ts";
import type { ToolMenu } from "./tool-menu.ts";

/** The only way to a model, as far as an auction goes it. */
export type AuctionModels = Pick<ModelPort, "bid" | "judge" | "bidBound" | "juryBound">;

export interface AuctionDeps {
  readonly config: Config;
  readonly models: AuctionModels;
  /** Further invocations that calls are made in. */
  readonly helpers: HelperStock;
  /** The tools that a winner would have, as bidders are told. */
  readonly toolMenu: ToolMenu;
  /** Null: nothing is remembered, and nobody refines. */
  readonly memory: AuctionMemory | null;
}

/** The memory as an auction uses it. Nothing here rejects: an auction without its memory is one without refinement. */
export interface AuctionMemory {
  /** Most that embedding the task can cost. */
  embedBound(task: string): Micros;
  /** The task's vector, null where there is none to be had, and what is owed for it. */
  embed(task: string, signal: AbortSignal): Promise<EmbeddedTask>;
  /** The tenant's auctions that cleared before and are nearest to the vector, best first. */
  recall(
    config: Config,
    query: { readonly tenantId: TenantId; readonly vector: readonly number[] },
  ): Promise<readonly RecalledEntry[]>;
}

export interface EmbeddedTask {
  readonly vector: readonly number[] | null;
  readonly bill: CallBill;
}

/** What the calls of an auction are planned from. */
export interface AuctionPlan {
  readonly deps: Omit<AuctionDeps, "helpers">;
  readonly opening: Opening;
}

/** Everything that a part of a running auction works with. */
export interface AuctionRun extends AuctionPlan {
  readonly desk: AuctionDesk;
  /** The task room's record of the auction, as this run writes it. */
  readonly log: Pick<AuctionLog, "commit" | "add" | "bill" | "settled">;
  /** Aborts when the auction is to stop or has been taken over. */
  readonly signal: AbortSignal;
}

/** Thrown where calls may not be started, because they would pass what may be spent on the task. */
export class CallsRefused extends Error {
  constructor(refusal: SpendRefusal) {
    super(`calls may not be started: ${refusal}`);
  }
}

/** Thrown inside a run when a commit says that it may not go on; carries what to do about it. */
export class AuctionAborted extends Error {
  readonly abort: HeartbeatAbort;

  constructor(abort: HeartbeatAbort) {
    super(`the auction may not go on: ${abort}`);
    this.abort = abort;
  }
}
