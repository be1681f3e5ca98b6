/**
 * A conversation as every endpoint of OpenAI's shape takes it, for those that refuse it as it was said. Pure.
 *
 * Reasoning that goes back is wanted by some (DeepSeek) and refused by others (Groq, Mistral).
 */
import type { AssistantModelMessage, ModelMessage } from "ai";

/** What stands where an agent said nothing that is sent. */
export const PAUSE = "Let me think.";

/** Message by message: the conversation stays a prefix of itself. */
export function plainConversation(messages: readonly ModelMessage[]): ModelMessage[] {
  return messages.map((message) => (message.role === "assistant" ? withoutReasoning(message) : message));
}

function withoutReasoning(message: AssistantModelMessage): AssistantModelMessage {
  if (typeof message.content === "string") return message;
  const content = message.content.filter(({ type }) => type !== "reasoning");
  return { ...message, content: content.length === 0 ? PAUSE : content };
}
