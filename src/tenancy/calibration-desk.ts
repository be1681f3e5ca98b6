/**
 * Calibrations as the market room serves them: each decision in a transaction, and past tasks' rooms asked outside of
 * any. Without a tenant there is nothing here.
 */
import { logError } from "../log.ts";
import type { PastAuction } from "../market/calibration/past-auction.ts";
import type { AuctionId, CalibrationId, TaskId } from "../market/ids.ts";
import { fail, ok } from "../market/result.ts";
import type { CalibrationApi, CalibrationView } from "./calibration-api.ts";
import type { Calibrations } from "./calibrations.ts";
import { completed } from "./idempotency.ts";
import type { MarketDesk } from "./market-desk.ts";
import type { TenantDoc } from "./market-store.ts";
import { OPERATOR_SCOPE, type Replays } from "./replays.ts";

export interface CalibrationDeskParts {
  readonly calibrations: Calibrations;
  readonly desk: MarketDesk;
  readonly tenant: () => TenantDoc | null;
  readonly replays: Replays;
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

  async quoteCalibration(
    ...[quote, runs, idempotency]: Parameters<CalibrationApi["quoteCalibration"]>
  ): ReturnType<CalibrationApi["quoteCalibration"]> {
    const { calibrations, desk, replays, commit } = this.#parts;
    desk.mustTenant();
    const request = await completed(idempotency);
    return commit(() =>
      replays.once(
        { request, scope: OPERATOR_SCOPE },
        {
          make: () => {
            calibrations.quote(quote, runs);
            return ok(quote.calibrationId);
          },
          keep: (id) => id,
          again: (id: CalibrationId) => id,
        },
      ),
    );
  }

  /** Answers with how the calibration stands now: what is accepted goes on. */
  async acceptCalibration(
    ...[id, idempotency]: Parameters<CalibrationApi["acceptCalibration"]>
  ): ReturnType<CalibrationApi["acceptCalibration"]> {
    const { calibrations, tenant, replays, commit } = this.#parts;
    if (tenant() === null) return fail({ reason: "unknown_calibration" });
    const request = await completed(idempotency);
    return commit(() => {
      const steps = {
        make: () => calibrations.accept(id),
        keep: () => null,
        again: () => calibrations.mustView(id),
      };
      const once = replays.once({ request, scope: OPERATOR_SCOPE }, steps);
      return once.ok ? { ...ok(once.value.value), replay: once.value.replay ?? null } : once;
    });
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
    const { calibrations, desk, tenant, commit, pastAuction } = this.#parts;
    const next = async () => commit(() => calibrations.next());
    for (let run = await next(); run !== null && tenant() !== null; run = await next()) {
      const { calibrationId, position, taskId: pastTaskId } = run;
      const place = { calibrationId, position };
      try {
        const past = await pastAuction(pastTaskId);
        // What the room says is checked inside the transaction: since it was asked, the run may have been cancelled.
        const begun = await commit(() => (tenant() === null ? null : calibrations.begin(place, past)));
        if (begun !== null) await desk.outbox.flush(begun);
      } catch (error) {
        logError("calibration-begin", error, { taskId: pastTaskId });
        return commit(() => calibrations.postpone(place));
      }
    }
  }
}
