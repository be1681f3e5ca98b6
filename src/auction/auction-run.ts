/** What the phases of an auction work with, and how a run ends early. */
import type { ModelPort } from "../agents/model-port.ts";
import type { Config } from "../config.ts";
import type { ContrastivePair } from "../market/memory.ts";
import type { AgentId } from "../market/ids.ts";
import type { AuctionDesk, TaskRoomApi } from "../taskroom/task-room-api.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";
import type { ToolMenu } from "./tool-menu.ts";

export interface AuctionDeps {
  readonly config: Config;
  readonly models: ModelPort;
  /** The tools that a winner would have, as bidders are told. */
  readonly toolMenu: ToolMenu;
  /** Null: nothing is remembered, and nobody refines. */
  readonly memory: AuctionMemory | null;
}

/** The memory as an auction uses it. Nothing here rejects: an auction without its memory is one without refinement. */
export interface AuctionMemory {
  /** The task's vector, asked for while the agents bid; null where the embedding failed. */
  embed(task: string, signal: AbortSignal): Promise<readonly number[] | null>;
  /** Contrastive pairs of each of these agents, from the tenant's auctions that cleared before; agents without any are left out. */
  pairsFor(
    run: AuctionRun,
    vector: readonly number[],
    agents: readonly AgentId[],
  ): Promise<ReadonlyMap<AgentId, readonly ContrastivePair[]>>;
}

/** Everything that one phase of an auction works with. */
export interface AuctionRun {
  readonly deps: AuctionDeps;
  readonly task: TaskRoomApi;
  readonly desk: AuctionDesk;
  readonly generation: number;
  /** Aborts when the auction is to stop or has been taken over. */
  readonly signal: AbortSignal;
}

/** Thrown inside a run when a commit says that it may not go on; carries what to do about it. */
export class AuctionAborted extends Error {
  readonly abort: HeartbeatAbort;

  constructor(abort: HeartbeatAbort) {
    super(`the auction may not go on: ${abort}`);
    this.abort = abort;
  }
}
