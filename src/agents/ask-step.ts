/** Asks the winner for the next step of its trace. An answer without text or calls is an answer: the caller decides. */
import type { CallFailure } from "../market/call.ts";
import { ok, type Result } from "../market/result.ts";
import type { AgentCall } from "./agent-call.ts";
import { sendDegrading } from "./calls/send-degrading.ts";
import type { StepAnswer, StepRequest, TextSink } from "./model-port.ts";
import { stepOutputTokens } from "./output-limits.ts";
import { NO_FEATURES } from "./providers/provider.ts";

export async function askStep(
  ask: AgentCall,
  request: StepRequest,
  { stallMs = null, text }: { readonly stallMs?: number | null; readonly text?: TextSink | undefined },
): Promise<Result<StepAnswer, CallFailure>> {
  const { agent, provider, name, call, plain } = ask;
  // Kinds that know what is theirs take it back as it was said.
  const asSaid = agent.provider === "openai-compatible" && request.history.length > 0;
  const wanted = { ...NO_FEATURES, seed: request.seed, streams: true, asSaid };
  const watch = { stallMs: agent.stallMs ?? stallMs, text, wrote: () => call.hearAnswer() };
  const limited = { ...request, maxOutputTokens: stepOutputTokens(agent, request) };
  const reply = await sendDegrading(call, { name, kind: "trace", wanted, plain }, async (optional, signal) =>
    provider.step(limited, { optional, signal, watch }),
  );
  return reply.ok ? ok(reply.value.answer) : reply;
}
