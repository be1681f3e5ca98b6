/** What the market room offers of calibrations (over RPC: plain data in and out). */
import type {
  CalibrationQuote,
  CalibrationState,
  QuotedRun,
  RunState,
} from "../market/calibration/calibration.ts";
import type { RunKey } from "../market/calibration/suitable.ts";
import type { Pool } from "../market/agent.ts";
import type { AuctionId, CalibrationId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { Result } from "../market/result.ts";
import type { IdempotencyConflict, IdempotentRequest, Once, Replay } from "./idempotency.ts";

export interface CalibrationView {
  readonly quote: CalibrationQuote;
  readonly state: CalibrationState;
  /** Null: nobody has accepted it. */
  readonly acceptedAtMs: number | null;
  /** `costMicros`: charged so far; null where nothing has begun. */
  readonly runs: readonly (QuotedRun & RunState & { readonly costMicros: Micros | null })[];
}

export interface CalibrationRefusal {
  readonly reason: "unknown_calibration" | "calibration_expired" | IdempotencyConflict["reason"];
}

export interface CalibrationApi {
  /** The pool as it is now, and which runs of these auctions need no repetition; null: no such tenant. */
  calibrationGround(
    auctionIds: readonly AuctionId[],
  ): Promise<{ readonly pool: Pool; readonly taken: readonly RunKey[] } | null>;
  /**
   * Keeps a quote; nothing runs. Asked again, it keeps the one from before.
   *
   * @returns the kept quote's id; nothing, from a room of the version before: it has kept this one
   */
  quoteCalibration(
    quote: CalibrationQuote,
    runs: readonly QuotedRun[],
    idempotency?: IdempotentRequest | null,
  ): Promise<Result<Once<CalibrationId>, IdempotencyConflict> | undefined>;
  /** Its runs begin, a few at a time. Accepted twice is accepted once. */
  acceptCalibration(
    id: CalibrationId,
    idempotency?: IdempotentRequest | null,
  ): Promise<Result<CalibrationView, CalibrationRefusal> & { readonly replay?: Replay | null }>;
  /** Runs that have not begun never will; those under way are stopped, as a cancelled task is. */
  cancelCalibration(id: CalibrationId): Promise<CalibrationView | null>;
  readCalibration(id: CalibrationId): Promise<CalibrationView | null>;
  /** Accepted calibrations that are not over, newest first; null: no such tenant. */
  runningCalibrations(): Promise<readonly CalibrationView[] | null>;
}
