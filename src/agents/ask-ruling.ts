/** Asks a judge of a panel about a result. A judge whose answer cannot be used leaves the panel. */
import type { CallFailure } from "../market/call.ts";
import { fail, type Result } from "../market/result.ts";
import type { AgentCall } from "./agent-call.ts";
import { sendDegrading } from "./calls/send-degrading.ts";
import type { RulingAnswer } from "./model-port.ts";
import { rulingOutputTokens } from "./output-limits.ts";
import { rulingPrompt, type RulingPromptInput } from "./prompts/ruling-prompt.ts";
import { NO_FEATURES } from "./providers/provider.ts";
import { readRuling, RULING_JSON_SCHEMA } from "./read-ruling.ts";

export async function askRuling(
  ask: AgentCall,
  input: RulingPromptInput & { readonly seed: number },
): Promise<Result<RulingAnswer, CallFailure>> {
  const { agent, provider, name, call, plain } = ask;
  const { system, user } = rulingPrompt(input);
  const wanted = { ...NO_FEATURES, seed: input.seed, schema: RULING_JSON_SCHEMA };
  const reply = await sendDegrading(call, { name, kind: "judge", wanted, plain }, async (optional, signal) =>
    provider.text(
      // Temperature 0: the same result should get the same verdict.
      { system, user, maxOutputTokens: rulingOutputTokens(agent), temperature: 0, optional },
      signal,
    ),
  );
  if (!reply.ok) return reply;
  if (reply.value.text.trim() === "") return fail({ reason: "empty", message: "the judge wrote no verdict" });
  const ruling = readRuling(reply.value.text);
  return ruling.ok ? ruling : fail({ reason: "malformed", message: ruling.failure });
}
