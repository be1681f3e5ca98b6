/**
 * A conversation as every endpoint of OpenAI's shape takes it, for those that refuse it as it was said. Pure.
 *
 * Reasoning that goes back is wanted by some (DeepSeek) and refused by others (Groq, Mistral). Mistral takes no user's
 * message right behind a tool's, where the wrap-up stands.
 */
import type { AssistantModelMessage, ModelMessage } from "ai";

/** What stands where an agent said nothing that is sent. */
export const PAUSE = "Let me think.";

/** Message by message, each by the one before it: the conversation stays a prefix of itself. */
export function plainConversation(messages: readonly ModelMessage[]): ModelMessage[] {
  return messages.flatMap((message, at): ModelMessage[] => {
    if (message.role === "assistant") return [withoutReasoning(message)];
    const isBehindTool = message.role === "user" && messages[at - 1]?.role === "tool";
    return isBehindTool ? [{ role: "assistant", content: PAUSE }, message] : [message];
  });
}

function withoutReasoning(message: AssistantModelMessage): AssistantModelMessage {
  if (typeof message.content === "string") return message;
  const content = message.content.filter(({ type }) => type !== "reasoning");
  return { ...message, content: content.length === 0 ? PAUSE : content };
}
