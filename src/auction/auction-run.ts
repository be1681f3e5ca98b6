/** What the phases of an auction work with, and how a run ends early. */
import type { ModelPort } from "../agents/model-port.ts";
import type { Config } from "../config.ts";
import type { AuctionDesk, TaskRoomApi } from "../taskroom/task-room-api.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";
import type { ToolMenu } from "./tool-menu.ts";

export interface AuctionDeps {
  readonly config: Config;
  readonly models: ModelPort;
  /** The tools that a winner would have, as bidders are told. */
  readonly toolMenu: ToolMenu;
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
