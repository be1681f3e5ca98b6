/** Asks a juror to score all strategies of an auction at once. A juror whose answer cannot be used leaves the jury. */
import type { CallFailure } from "../market/call.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { AgentCall } from "./agent-call.ts";
import { sendDegrading } from "./calls/send-degrading.ts";
import type { JuryAnswer } from "./model-port.ts";
import { juryOutputTokens } from "./output-limits.ts";
import { NO_FEATURES } from "./providers/provider.ts";
import { juryPrompt, type JuryPromptInput } from "./prompts/jury-prompt.ts";
import { readVerdicts, verdictsJsonSchema } from "./read-verdicts.ts";

export async function askVerdicts(
  ask: AgentCall,
  input: JuryPromptInput & { readonly seed: number },
): Promise<Result<JuryAnswer, CallFailure>> {
  const { agent, provider, name, call, plain } = ask;
  const { system, user } = juryPrompt(input);
  const labels = input.bids.map((bid) => bid.label);
  const wanted = { ...NO_FEATURES, seed: input.seed, schema: verdictsJsonSchema(labels) };
  const reply = await sendDegrading(call, { name, kind: "jury", wanted, plain }, async (optional, signal) =>
    provider.text(
      // Temperature 0: the same bids should get the same scores.
      { system, user, maxOutputTokens: juryOutputTokens(agent, input), temperature: 0, optional },
      signal,
    ),
  );
  if (!reply.ok) return reply;
  if (reply.value.text.trim() === "")
    return fail({ reason: "empty", message: "the juror wrote no verdicts" });
  const scores = readVerdicts(reply.value.text, labels);
  if (!scores.ok) return fail({ reason: "malformed", message: scores.failure });
  return ok({ scores: scores.value });
}
