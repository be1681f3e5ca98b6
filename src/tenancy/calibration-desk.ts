/**
 * Calibrations as the market room serves them: each decision in a transaction, and past tasks' rooms asked outside of
 * any. Without a tenant there is nothing here.
 */
import { logError } from "../log.ts";
import type { CalibrationQuote, QuotedRun } from "../market/calibration/calibration.ts";
import type { PastAuction } from "../market/calibration/past-auction.ts";
import type { AuctionId, CalibrationId, TaskId } from "../market/ids.ts";
import { fail } from "../market/result.ts";
import type { CalibrationApi, CalibrationView } from "./calibration-api.ts";
import type { Calibrations } from "./calibrations.ts";
import type { MarketDesk } from "./market-desk.ts";
import type { TenantDoc } from "./market-store.ts";

export interface CalibrationDeskParts {
  readonly calibrations: Calibrations;
  readonly desk: MarketDesk;
  readonly tenant: () => TenantDoc | null;
  /** One transaction. */
  readonly commit: <T>(work: () => T) => Promise<T>;
  /** Asks the past task's room; rejects where it does not answer. */
  readonly pastAuction: (taskId: TaskId) => Promise<PastAuction | null>;
}

export class CalibrationDesk implements CalibrationApi {
  readonly #parts: CalibrationDeskParts;

  constructor(parts: CalibrationDeskParts) {
    this.#parts = parts;
  }

  async calibrationGround(auctionIds: readonly AuctionId[]): ReturnType<CalibrationApi["calibrationGround"]> {
    const { calibrations, desk } = this.#parts;
    const tenant = this.#parts.tenant();
    if (tenant === null) return null;
    return { pool: desk.poolOf(tenant).pool, taken: calibrations.taken(auctionIds) };
  }

  async quoteCalibration(quote: CalibrationQuote, runs: readonly QuotedRun[]): Promise<void> {
    const { calibrations, desk, commit } = this.#parts;
    desk.mustTenant();
    await commit(() => calibrations.quote(quote, runs));
  }

  async acceptCalibration(id: CalibrationId): ReturnType<CalibrationApi["acceptCalibration"]> {
    const { calibrations, tenant, commit } = this.#parts;
    if (tenant() === null) return fail({ reason: "unknown_calibration" });
    return commit(() => calibrations.accept(id));
  }

  async cancelCalibration(id: CalibrationId): Promise<CalibrationView | null> {
    const { calibrations, desk, tenant, commit } = this.#parts;
    if (tenant() === null) return null;
    const stopped = await commit(() => calibrations.cancel(id));
    await Promise.all(stopped.map((taskId) => desk.outbox.flush(taskId)));
    return calibrations.view(id);
  }

  async readCalibration(id: CalibrationId): Promise<CalibrationView | null> {
    return this.#parts.tenant() === null ? null : this.#parts.calibrations.view(id);
  }

  async runningCalibrations(): ReturnType<CalibrationApi["runningCalibrations"]> {
    return this.#parts.tenant() === null ? null : this.#parts.calibrations.running();
  }

  /** Begins runs one after the other, as far as there is room for them. */
  async beginRuns(): Promise<void> {
    const { calibrations, desk, commit, pastAuction } = this.#parts;
    const next = async () => commit(() => calibrations.next());
    for (let run = await next(); run !== null; run = await next()) {
      const { calibrationId, position, taskId: pastTaskId } = run;
      const place = { calibrationId, position };
      try {
        const past = await pastAuction(pastTaskId);
        // What the room says is checked inside the transaction: since it was asked, the run may have been cancelled.
        const begun = await commit(() => calibrations.begin(place, past));
        if (begun !== null) await desk.outbox.flush(begun);
      } catch (error) {
        logError("calibration-begin", error, { taskId: pastTaskId });
        return commit(() => calibrations.postpone(place));
      }
    }
  }
}
