/**
 * `saleroom-emulators`: what Cloudflare does not emulate locally, and models to call where there are none.
 *
 * Composition only. Never deployed, and never imported from `src/`: Saleroom reaches it as two service bindings and one URL.
 */
import { Hono } from "hono";
import type { EmulatorEnv } from "./admin/config.ts";
import { adminRoutes } from "./admin/routes.ts";
import { openAiRoutes } from "./openai/routes.ts";
import { documents } from "./workload/index.ts";

export { AiEmulator } from "./ai/binding.ts";
export { CallLogObject } from "./log/call-log-object.ts";
export { RecordingsObject } from "./recorded/recordings-object.ts";
export { VectorizeEmulator } from "./vectorize/binding.ts";
export { VectorIndexObject } from "./vectorize/vector-index-object.ts";

const app = new Hono<{ Bindings: EmulatorEnv }>()
  .get("/", (c) =>
    c.json({
      emulated: true,
      about: "Saleroom's emulators: emulated models, no real one. See /v1/models and /emulator/calls.",
    }),
  )
  .route("/v1", openAiRoutes)
  .route("/emulator", adminRoutes)
  .get("/docs/:name", (c) => {
    const name = c.req.param("name");
    const text = Object.hasOwn(documents, name) ? documents[name] : undefined;
    return text === undefined ? c.text("no such document", 404) : c.text(text);
  });

app.onError((error, c) => {
  // Nobody but developers reads this Worker's errors, so they say what happened.
  return c.json(
    {
      error: {
        message: `emulators: ${error.message}`,
        type: "server_error",
        param: null,
        code: "emulator_bug",
      },
    },
    500,
  );
});

export default app;
