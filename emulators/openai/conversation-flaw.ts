/**
 * What OpenAI would refuse in the order of a conversation: every tool call is answered before anything else is said, and
 * nothing is answered that was not called. An agent loop that breaks this works with lenient servers only. Pure.
 */
import type { ChatMessage } from "../chat.ts";

/** @returns what is wrong, or null */
export function conversationFlaw(messages: readonly ChatMessage[]): string | null {
  let open = new Set<string>();
  for (const [i, message] of messages.entries()) {
    if (message.role === "tool") {
      if (message.toolCallId === undefined || !open.delete(message.toolCallId)) {
        return `messages[${i}]: a tool message must answer a tool call of the assistant message before it`;
      }
      continue;
    }
    if (open.size > 0) return `messages[${i}]: tool calls ${[...open].join(", ")} have no tool message`;
    open = new Set((message.toolCalls ?? []).map((call) => call.id));
  }
  return open.size > 0 ? `tool calls ${[...open].join(", ")} have no tool message` : null;
}
