/** The tool `run_javascript`: a model's own script in the sandbox, without network or host. */
import { z } from "zod";
import type { Sandbox } from "../sandbox/index.ts";
import { toolError } from "./tool.ts";
import type { Tool } from "./tool.ts";

const MAX_CODE_CHARS = 262_144;

const inputSchema = z.strictObject({
  code: z
    .string()
    .min(1)
    .max(MAX_CODE_CHARS)
    .describe("JavaScript (ES2023). `await` may stand at the top. No imports, network or timers."),
});

export interface RunJavascriptConfig {
  readonly sandbox: Sandbox;
  /** What `Date` says inside, ms since the epoch. */
  readonly nowMs: () => number;
}

/** Makes the tool. The call's idempotency key seeds `Math.random`, so a repeated call gives the same numbers. */
export function createRunJavascript({
  sandbox,
  nowMs,
}: RunJavascriptConfig): Tool<z.infer<typeof inputSchema>> {
  return {
    name: "run_javascript",
    description:
      "Runs JavaScript and returns what it logged with console.log and the value of its last expression. " +
      "About one second of computing and 16 MB of memory; no network, no files, no modules; each call starts afresh.",
    inputSchema,
    async execute({ code }, { idempotencyKey, signal }) {
      const outcome = await sandbox.run(code, { seed: idempotencyKey, nowMs: nowMs(), signal });
      const logged = outcome.logs === "" ? "" : `log:\n${outcome.logs}`;
      if (outcome.ok) return { ok: true, output: `${logged}value: ${outcome.value}` };
      if (outcome.reason === "aborted") return toolError("cancelled", "the task was cancelled");
      return toolError(
        "script_failed",
        `${outcome.reason}: ${outcome.message}${logged === "" ? "" : `\n${logged}`}`,
      );
    },
  };
}
