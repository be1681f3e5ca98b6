/** `/emulator/recordings`: put, list and remove recorded runs, and the shell that gives back what theirs returned. */
import { Hono } from "hono";
import { z } from "zod";
import { recordings } from "../admin/config.ts";
import type { EmulatorEnv } from "../admin/config.ts";
import { recordedTraceSchema } from "./trace-schema.ts";

/** A row may have 2 MB; a step is one row. */
const LARGEST_STEP_BYTES = 1_900_000;

const nameSchema = z.string().regex(/^[A-Za-z0-9_.-]{1,200}$/, "letters, digits, _ . - only");
const shellSchema = z.strictObject({ step: z.int().min(0), command: z.string() });

export const recordingRoutes = new Hono<{ Bindings: EmulatorEnv }>()
  .get("/", async (c) => c.json({ recorded: true, recordings: await recordings(c.env).list() }))
  .delete("/", async (c) => {
    await recordings(c.env).remove(null);
    return c.body(null, 204);
  })
  .delete("/:name", async (c) => {
    await recordings(c.env).remove(c.req.param("name"));
    return c.body(null, 204);
  })
  .put("/:name", async (c) => {
    const name = nameSchema.safeParse(c.req.param("name"));
    const trace = recordedTraceSchema.safeParse(await c.req.json<unknown>().catch(() => null));
    if (!name.success) return c.json({ error: z.prettifyError(name.error) }, 400);
    if (!trace.success) return c.json({ error: z.prettifyError(trace.error) }, 400);
    const tooLarge = trace.data.steps.findIndex(
      (step) => new TextEncoder().encode(JSON.stringify(step)).length > LARGEST_STEP_BYTES,
    );
    if (tooLarge >= 0)
      return c.json({ error: `step ${tooLarge} has more than ${LARGEST_STEP_BYTES} bytes` }, 413);
    return c.json({ recorded: true, ...(await recordings(c.env).put(name.data, trace.data)) });
  })
  .post("/:name/shell", async (c) => {
    const call = shellSchema.safeParse(await c.req.json<unknown>().catch(() => null));
    if (!call.success) return c.json({ error: z.prettifyError(call.error) }, 400);
    const step = await recordings(c.env).recordedStep(c.req.param("name"), call.data.step);
    if (step === null) return c.json({ error: `no step ${call.data.step} in ${c.req.param("name")}` }, 404);
    if (step.command !== call.data.command) {
      return c.json(
        { error: "the command is not the recorded one", recorded: step.command, received: call.data.command },
        409,
      );
    }
    return c.text(step.output, 200, { "x-saleroom-recorded": c.req.param("name") });
  });
