/** What has happened so far in a trace, read from its messages: models keep no state between calls. */
import type { ChatMessage } from "../../chat.ts";

interface ToolAnswer {
  readonly toolName: string;
  /** The call's arguments as JSON text. */
  readonly arguments: string;
  readonly text: string;
  readonly failed: boolean;
}

export interface Turn {
  readonly answers: readonly ToolAnswer[];
}

/** Error answers as tools tend to write them: a leading word or code, an error field, a status of 400 and above. */
const ERROR =
  /^\s*(?:\w*Error\b|(?:error|failed|refused|unreachable|cancelled|unknown tool)\b|[a-z]+(?:_[a-z]+)+:)|"(?:error|isError)"\s*:(?!\s*(?:null|false|""))|"ok"\s*:\s*false|"status"\s*:\s*[45]\d\d|^\s*(?:HTTP\S*|status:?)\s*[45]\d\d/i;

/** Only the head of an answer is looked at: documents may speak of errors. */
const HEAD_CHARS = 160;

/** The assistant turns so far, each with the answers to its calls. */
export function turnsOf(messages: readonly ChatMessage[]): Turn[] {
  const answers = new Map(
    messages.filter((m) => m.role === "tool").map((m) => [m.toolCallId, m.content ?? ""]),
  );
  return messages
    .filter((message) => message.role === "assistant")
    .map((message) => ({
      answers: (message.toolCalls ?? []).map((call) => {
        const text = answers.get(call.id) ?? "";
        return {
          toolName: call.name,
          arguments: call.arguments,
          text,
          failed: ERROR.test(text.slice(0, HEAD_CHARS)),
        };
      }),
    }));
}
