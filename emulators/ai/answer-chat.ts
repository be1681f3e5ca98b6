/** A chat call on either wire: look up the model, run the call, apply stop sequences and faults to its reply. */
import type { ChatReply, ChatRequest } from "../chat.ts";
import { spoilReply } from "../faults/spoil-reply.ts";
import type { Wire } from "../log/call-row.ts";
import { fingerprint } from "../log/fingerprint.ts";
import { runCall } from "../log/run-call.ts";
import type { CallContext, CallOutcome } from "../log/run-call.ts";
import { RECORDED_PREFIX } from "../recorded/recorded-reply.ts";
import { applyStop } from "./apply-stop.ts";
import { promptText } from "./chat-inputs.ts";
import { askModel, unknownModel } from "./models.ts";

export interface ChatCall {
  readonly wire: Wire;
  /** Model name as the client sent it. */
  readonly model: string;
  /** Whether this wire's catalogue could list such a name: `@cf/saleroom/…` on the binding, bare names over HTTP. */
  readonly listed: boolean;
  readonly request: ChatRequest;
  readonly stops: readonly string[];
  readonly streams: boolean;
  readonly requestBytes: number;
  /** See ModelContext. */
  readonly origin: string | null;
}

export async function answerChat(context: CallContext, call: ChatCall): Promise<CallOutcome<ChatReply>> {
  const { request } = call;
  const outcome = await runCall<ChatReply>(
    context,
    {
      prompt: promptText(request.messages),
      streams: call.streams,
      arrival: {
        wire: call.wire,
        model: call.model,
        bareModel: request.model,
        fingerprint: await fingerprint(request.messages),
        requestBytes: call.requestBytes,
        seed: request.seed,
      },
    },
    async () => {
      if (!call.listed) return unknownModel(call.model);
      const work = await askModel({ env: context.env, config: context.config, origin: call.origin }, request);
      if (work.kind === "refused") return work;
      const reply = applyStop(work.value, call.stops);
      return { ...work, value: reply, usage: reply.usage };
    },
  );
  if (outcome.kind !== "answered") return outcome;
  const recorded = request.model.startsWith(RECORDED_PREFIX);
  const reply = recorded ? outcome.value : withOwnIds(outcome.value, outcome.callId);
  return { ...outcome, value: spoilReply(reply, outcome.fault) };
}

/** As at real providers, no two answers share the id of a tool call: who reads one knows the log's row that it came from. */
function withOwnIds(reply: ChatReply, callId: number): ChatReply {
  return { ...reply, toolCalls: reply.toolCalls.map((call) => ({ ...call, id: `${call.id}-${callId}` })) };
}
