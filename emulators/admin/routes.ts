/** `/emulator`: read the call log, set fault switches, steer the emulated index. For tests and benches; no authentication, as nothing here is deployed. */
import { Hono } from "hono";
import { z } from "zod";
import { bareModelName } from "../ai/models.ts";
import { faultRuleSchema } from "../faults/fault-rule.ts";
import { recordingRoutes } from "../recorded/routes.ts";
import { vectorIndex } from "../vectorize/binding.ts";
import { callLog } from "./config.ts";
import type { EmulatorEnv } from "./config.ts";

const callsQuerySchema = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  model: z.string().min(1).nullable().default(null),
});

const vectorizeSchema = z.strictObject({ delayMs: z.int().min(0) });

export const adminRoutes = new Hono<{ Bindings: EmulatorEnv }>()
  .get("/calls", async (c) => {
    const query = callsQuerySchema.safeParse(c.req.query());
    if (!query.success) return c.json({ error: z.prettifyError(query.error) }, 400);
    const model = query.data.model === null ? null : bareModelName(query.data.model);
    return c.json({ emulated: true, calls: await callLog(c.env).list({ ...query.data, model }) });
  })
  .get("/calls/summary", async (c) => {
    const models = await callLog(c.env).summary();
    return c.json({
      emulated: true,
      models,
      maxInFlight: Math.max(0, ...models.map((model) => model.maxInFlight)),
    });
  })
  .delete("/calls", async (c) => {
    await callLog(c.env).clear();
    return c.body(null, 204);
  })
  .get("/faults", async (c) => c.json({ emulated: true, faults: await callLog(c.env).allFaults() }))
  .get("/faults/:model{.+}", async (c) => {
    const faults = await callLog(c.env).allFaults();
    return c.json(faults[modelParam(c.req.param("model"))] ?? null);
  })
  .put("/faults/:model{.+}", async (c) => {
    const rule = faultRuleSchema.safeParse(await c.req.json<unknown>().catch(() => null));
    if (!rule.success) return c.json({ error: z.prettifyError(rule.error) }, 400);
    await callLog(c.env).putFaults(modelParam(c.req.param("model")), rule.data);
    return c.json(rule.data);
  })
  .delete("/faults", async (c) => {
    await callLog(c.env).deleteFaults(null);
    return c.body(null, 204);
  })
  .delete("/faults/:model{.+}", async (c) => {
    await callLog(c.env).deleteFaults(modelParam(c.req.param("model")));
    return c.body(null, 204);
  })
  .put("/vectorize", async (c) => {
    const body = vectorizeSchema.safeParse(await c.req.json<unknown>().catch(() => null));
    if (!body.success) return c.json({ error: z.prettifyError(body.error) }, 400);
    await vectorIndex(c.env).setDelay(body.data.delayMs);
    return c.json({ emulated: true, ...body.data });
  })
  .post("/vectorize/flush", async (c) => {
    await vectorIndex(c.env).flush();
    return c.json({ emulated: true });
  })
  .delete("/vectorize", async (c) => {
    await vectorIndex(c.env).erase();
    return c.body(null, 204);
  })
  .route("/recordings", recordingRoutes);

/** Both wires' names for a model share their switches. */
function modelParam(param: string): string {
  return bareModelName(param);
}
