/** A reply as a fault leaves it. Usage stays: providers bill a useless answer too. */
import type { ChatReply } from "../chat.ts";
import type { Fault } from "./decide-fault.ts";

export function spoilReply(reply: ChatReply, fault: Fault | null): ChatReply {
  switch (fault?.kind) {
    case "malformedJson":
      return {
        ...reply,
        content: reply.content === null ? null : brokenOff(reply.content),
        toolCalls: reply.toolCalls.map((call) => ({ ...call, arguments: brokenOff(call.arguments) })),
        logprobs: null,
      };
    case "emptyAnswer":
      return { ...reply, content: "", toolCalls: [], finishReason: "stop", logprobs: null };
    case "hang":
    case "status429":
    case "status500":
    case "cutStreamAfterTokens":
    case "stallStreamAfterTokens":
    case undefined:
      return reply;
  }
}

/** Half of the text and an open brace: never valid JSON, whatever the text was. */
function brokenOff(text: string): string {
  return `${text.slice(0, Math.ceil(text.length / 2))}{"`;
}
