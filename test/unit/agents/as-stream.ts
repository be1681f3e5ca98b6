/** Providers' whole answers as the streams in which they would have sent them: the same answer, in small pieces. */

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of other people's formats
type Body = any;

/** A streamed answer: events after one another, as server-sent events write them. */
export function sse(events: readonly unknown[], over: { readonly done?: boolean } = {}): Response {
  const lines = events.map((event) => {
    const type = (event as { readonly type?: string }).type;
    return `${type === undefined ? "" : `event: ${type}\n`}data: ${JSON.stringify(event)}\n\n`;
  });
  if (over.done !== false) lines.push("data: [DONE]\n\n");
  return new Response(lines.join(""), { headers: { "content-type": "text/event-stream" } });
}

/** The answer to a request that asked for a stream, by the form of the answer. */
export function asStream(body: Body): Response {
  if (body.type === "message") return sse(anthropicEvents(body), { done: false });
  if ("candidates" in body) return sse(geminiEvents(body), { done: false });
  return sse(openAiEvents(body));
}

/** In twos, so that every text has several pieces. */
function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,2}/g) ?? [];
}

export function openAiEvents(body: Body): unknown[] {
  const { choices, usage, ...head } = body;
  const { message, finish_reason } = choices[0];
  const chunk = (delta: object, finish: string | null = null): object => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  return [
    chunk({ role: "assistant" }),
    ...pieces(message.reasoning_content ?? "").map((text) => chunk({ reasoning_content: text })),
    ...pieces(message.content ?? "").map((text) => chunk({ content: text })),
    ...(message.tool_calls ?? []).flatMap((call: Body, index: number) => [
      chunk({ tool_calls: [{ index, ...call, function: { ...call.function, arguments: "" } }] }),
      ...pieces(call.function.arguments).map((text) =>
        chunk({ tool_calls: [{ index, function: { arguments: text } }] }),
      ),
    ]),
    chunk({}, finish_reason),
    ...(usage === undefined ? [] : [{ ...head, choices: [], usage }]),
  ];
}

export function anthropicEvents(body: Body): unknown[] {
  const { content, stop_reason, usage, ...head } = body;
  return [
    { type: "message_start", message: { ...head, content: [], usage: { ...usage, output_tokens: 1 } } },
    { type: "ping" },
    ...content.flatMap((part: Body, index: number) => [
      { type: "content_block_start", index, content_block: emptied(part) },
      ...deltas(part).map((delta) => ({ type: "content_block_delta", index, delta })),
      { type: "content_block_stop", index },
    ]),
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage },
    { type: "message_stop" },
  ];
}

function emptied(part: Body): Body {
  if (part.type === "text") return { type: "text", text: "" };
  if (part.type === "thinking") return { type: "thinking", thinking: "", signature: "" };
  return { ...part, input: {} };
}

function deltas(part: Body): object[] {
  if (part.type === "text") return pieces(part.text).map((text) => ({ type: "text_delta", text }));
  if (part.type === "thinking") {
    return [
      ...pieces(part.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: part.signature },
    ];
  }
  return pieces(JSON.stringify(part.input)).map((partial_json) => ({
    type: "input_json_delta",
    partial_json,
  }));
}

function geminiEvents(body: Body): unknown[] {
  const { candidates, usageMetadata, ...head } = body;
  const [candidate] = candidates;
  const parts: Body[] = candidate.content.parts.flatMap((part: Body) =>
    typeof part.text === "string" ? pieces(part.text).map((text) => ({ ...part, text })) : [part],
  );
  return [
    ...parts.map((part) => ({
      ...head,
      candidates: [{ content: { role: "model", parts: [part] }, index: 0 }],
    })),
    {
      ...head,
      candidates: [{ ...candidate, content: { role: "model", parts: [] } }],
      ...(usageMetadata === undefined ? {} : { usageMetadata }),
    },
  ];
}
