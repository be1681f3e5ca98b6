/** Which emulated or recorded model answers to a name. The one place where both wires look a model up. */
import { houseModels } from "../house/index.ts";
import type { EmulatorConfig, EmulatorEnv } from "../admin/config.ts";
import { recordings } from "../admin/config.ts";
import type { ChatReply, ChatRequest } from "../chat.ts";
import type { Refusal, Work } from "../log/run-call.ts";
import { RECORDED_PREFIX, recordedLatencyMs, recordedReply } from "../recorded/recorded-reply.ts";

const WORKERS_AI_PREFIX = "@cf/saleroom/";

/** The name that both wires share: without the Workers AI catalogue's prefix. */
export function bareModelName(model: string): string {
  return model.startsWith(WORKERS_AI_PREFIX) ? model.slice(WORKERS_AI_PREFIX.length) : model;
}

/** Bare names of the house agents. */
export function houseModelNames(): readonly string[] {
  return houseModels.map((model) => model.id);
}

export interface ModelContext {
  readonly env: EmulatorEnv;
  readonly config: EmulatorConfig;
  /** Where this Worker is reached, for the tool calls of recorded agents; null: recorded agents are not on this wire. */
  readonly origin: string | null;
}

/** Has the model that the request names answer it. */
export async function askModel(context: ModelContext, request: ChatRequest): Promise<Work<ChatReply>> {
  if (request.model.startsWith(RECORDED_PREFIX) && context.origin !== null) {
    return askRecorded(context, request, context.config.origin ?? context.origin);
  }
  const model = houseModels.find((candidate) => candidate.id === request.model);
  if (model === undefined) return unknownModel(request.model);
  const reply = model.reply(request);
  return { kind: "done", value: reply, usage: reply.usage, latencyMs: model.latencyMs(request, reply) };
}

async function askRecorded(
  context: ModelContext,
  request: ChatRequest,
  origin: string,
): Promise<Work<ChatReply>> {
  const store = recordings(context.env);
  const model = request.model.slice(RECORDED_PREFIX.length);
  if (!(await store.models()).includes(model)) return unknownModel(request.model);
  const reply = await recordedReply(request, {
    origin,
    step: async (query) => store.step({ ...query, model }),
  });
  if (reply === null) {
    return {
      kind: "refused",
      reason: "no_recording",
      message: `${request.model} is a recorded agent, and no recording's prompt is contained in this conversation.`,
    };
  }
  return { kind: "done", value: reply, usage: reply.usage, latencyMs: recordedLatencyMs(reply) };
}

/** The refusal that both wires word in their own way. */
export function unknownModel(model: string): Refusal {
  return { kind: "refused", reason: "unknown_model", message: `no model ${model}` };
}
