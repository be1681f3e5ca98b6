/** A Worker as small as can be around the sandbox: POST runs the body as a script, GET answers at once. */
import { createSandbox } from "../../../src/trace/sandbox/index.ts";
import { wasmModule } from "../../../src/trace/sandbox/wasm.ts";

const sandbox = createSandbox({ wasmModule });

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method === "GET") return new Response("here");
    return Response.json(await sandbox.run(await request.text(), { seed: "seed", nowMs: 0 }));
  },
};
