/** The operator's calibrations of a tenant: quoted first, run once they are accepted, stopped when asked to. */
import { Hono } from "hono";
import { z } from "zod";
import { MAX_CALIBRATED_TASKS } from "../market/calibration/calibration.ts";
import { parseId, type CalibrationId, type TenantId } from "../market/ids.ts";
import type { CalibrationApi, CalibrationView } from "../tenancy/calibration-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { calibrationJson, calibrationSummary } from "./calibration-json.ts";
import { requireOperator } from "./credentials.ts";
import { idempotencyOf, markReplayed } from "./idempotency.ts";
import { Problem } from "./problem.ts";
import { quoteCalibration } from "./quote-calibration.ts";
import { readBody } from "./request-body.ts";

const quoteSchema = z.strictObject({
  /** How many past tasks; fewer are quoted where fewer are suitable. */
  tasks: z.int().min(1).max(MAX_CALIBRATED_TASKS),
});

export function calibrationRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  const room = (tenantId: TenantId) => config.marketRoom<CalibrationApi>(tenantId);
  return new Hono<ApiEnv>()
    .post("/:id/calibrations", async (c) => {
      await requireOperator(c, config);
      const { value, text } = await readBody(c, quoteSchema);
      const tenantId = tenantOf(c.req.param("id"));
      const idempotency = await idempotencyOf(c, text);
      const kept = await quoteCalibration(config, { tenantId, asked: value.tasks, idempotency });
      if (kept === null) throw new Problem("tenant_not_found");
      if (!kept.ok) throw new Problem(kept.failure.reason);
      const { value: id, replay } = kept.value;
      if (replay != null) markReplayed(c);
      return c.json(calibrationJson(found(await room(tenantId).readCalibration(id))), 201);
    })
    .get("/:id/calibrations", async (c) => {
      await requireOperator(c, config);
      const running = await room(tenantOf(c.req.param("id"))).runningCalibrations();
      if (running === null) throw new Problem("tenant_not_found");
      return c.json({ object: "list", data: running.map(calibrationSummary) });
    })
    .get("/:id/calibrations/:calibration", async (c) => {
      await requireOperator(c, config);
      const { tenantId, id } = namesOf(c.req.param());
      return c.json(calibrationJson(found(await room(tenantId).readCalibration(id))));
    })
    .post("/:id/calibrations/:calibration/accept", async (c) => {
      await requireOperator(c, config);
      const { tenantId, id } = namesOf(c.req.param());
      const idempotency = await idempotencyOf(c, await c.req.text());
      const accepted = await room(tenantId).acceptCalibration(id, idempotency);
      if (accepted.ok && accepted.replay != null) markReplayed(c);
      if (accepted.ok) return c.json(calibrationJson(accepted.value));
      const { reason } = accepted.failure;
      throw new Problem(reason === "unknown_calibration" ? "calibration_not_found" : reason);
    })
    .post("/:id/calibrations/:calibration/cancel", async (c) => {
      await requireOperator(c, config);
      const { tenantId, id } = namesOf(c.req.param());
      return c.json(calibrationJson(found(await room(tenantId).cancelCalibration(id))));
    });
}

function tenantOf(text: string): TenantId {
  const tenantId = parseId("ten", text);
  if (tenantId === null) throw new Problem("tenant_not_found");
  return tenantId;
}

/** Another tenant's calibration is not in this tenant's room: it is as unknown as one that never was. */
function namesOf(path: { readonly id: string; readonly calibration: string }): {
  readonly tenantId: TenantId;
  readonly id: CalibrationId;
} {
  const id = parseId("clb", path.calibration);
  const tenantId = tenantOf(path.id);
  if (id === null) throw new Problem("calibration_not_found");
  return { tenantId, id };
}

function found(view: CalibrationView | null): CalibrationView {
  if (view === null) throw new Problem("calibration_not_found");
  return view;
}
