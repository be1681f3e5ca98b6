/**
 * A model that is asked for a stream and answers like one that was not: the pieces are put together before the SDK sees
 * them, so that a streamed step is made into a message by the same code, and is the same, as one that came whole.
 *
 * What streaming brings: the text while it is written, and a provider that has gone quiet is noticed at once.
 */
import { InvalidResponseDataError, type LanguageModel } from "ai";
import { raceAbort } from "../../async/race-abort.ts";
import { BrokenAnswerError, CutStreamError, StalledError } from "../calls/stream-errors.ts";
import type { StreamWatch } from "./provider.ts";
import { WordsInPieces } from "./thinking.ts";

/** A model of the SDK's current provider interface. */
export type SdkModel = Extract<LanguageModel, { readonly specificationVersion: "v4" }>;

type CallOptions = Parameters<SdkModel["doGenerate"]>[0];
type Generated = Awaited<ReturnType<SdkModel["doGenerate"]>>;
type Content = Generated["content"][number];
type Part = Awaited<ReturnType<SdkModel["doStream"]>>["stream"] extends ReadableStream<infer P> ? P : never;
type TextPart = Extract<Content, { readonly type: "text" | "reasoning" }>;

export function streamedModel(model: SdkModel, watch: StreamWatch): SdkModel {
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: async (options) => generate(model, options, watch),
    doStream: async (options) => model.doStream(options),
  };
}

async function generate(model: SdkModel, options: CallOptions, watch: StreamWatch): Promise<Generated> {
  const silence = new Silence(watch.stallMs);
  const { abortSignal } = options;
  const signal = abortSignal === undefined ? silence.signal : AbortSignal.any([abortSignal, silence.signal]);
  watch.text?.begin();
  try {
    const asked = async () => model.doStream({ ...options, abortSignal: signal, includeRawChunks: true });
    const { stream, response } = await opened(asked(), signal);
    silence.end();
    const words = new WordsInPieces();
    const tell = (text: string): void => {
      if (text !== "") watch.text?.add(text);
    };
    const answer = new StreamedAnswer({ wrote: watch.wrote, onText: (text) => tell(words.add(text)) });
    const reader = stream.getReader();
    try {
      await raceAbort(readAll(reader, answer, silence), signal);
    } catch (error) {
      // Lets go of the connection; what comes of that interests nobody.
      void reader.cancel(error).catch(() => undefined);
      throw new BrokenAnswerError(error, answer.hasContent);
    }
    const { headers } = response ?? {};
    const whole = answer.whole(headers === undefined ? {} : { headers });
    tell(words.end());
    return whole;
  } finally {
    silence.stop();
  }
}

type Opened = Awaited<ReturnType<SdkModel["doStream"]>>;

/** Raced: a binding does not listen to signals. A stream that it gives after that is let go of: it would go on unread. */
async function opened(asked: Promise<Opened>, signal: AbortSignal): Promise<Opened> {
  try {
    return await raceAbort(asked, signal);
  } catch (error) {
    void asked.then(async ({ stream }) => stream.cancel(error)).catch(() => undefined);
    throw error;
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Part>,
  answer: StreamedAnswer,
  silence: Silence,
): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    silence.end();
    answer.add(value);
  }
}

/** How long nothing has been heard. One timer for the whole stream: pieces are many, and a timer for each is dear. */
class Silence {
  readonly #stallMs: number | null;
  readonly #gone = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardMs = performance.now();

  /** @param stallMs null: as long as it likes */
  constructor(stallMs: number | null) {
    this.#stallMs = stallMs;
    if (stallMs !== null) this.#lookIn(stallMs);
  }

  /** Aborts with a StalledError. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  end(): void {
    this.#heardMs = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    if (this.#stallMs === null) return;
    const leftMs = this.#stallMs - (performance.now() - this.#heardMs);
    if (leftMs > 0) this.#lookIn(leftMs);
    else this.#gone.abort(new StalledError(this.#stallMs));
  }
}

/** What comes around an answer, and is none of it. */
const AROUND: ReadonlySet<Part["type"]> = new Set([
  "stream-start",
  "response-metadata",
  "raw",
  "ping",
  // Anthropic's head a second time, and that another model answers.
  "custom",
  "finish",
  "error",
]);

/** Who hears of the pieces while they come. */
interface Heard extends Pick<StreamWatch, "wrote"> {
  readonly onText: (text: string) => void;
}

/** The pieces of an answer as they come. */
class StreamedAnswer {
  readonly #heard: Heard;
  readonly #content: Content[] = [];
  readonly #open = new Map<string, TextPart>();
  #head: Generated["response"] = {};
  #warnings: Generated["warnings"] = [];
  #finish: Extract<Part, { readonly type: "finish" }> | null = null;
  #hasContent = false;

  constructor(heard: Heard) {
    this.#heard = heard;
  }

  /** Whether anything that the model wrote has come: no head, and no sign of life. */
  get hasContent(): boolean {
    return this.#hasContent;
  }

  /** @throws what the provider sent as an error in mid-stream */
  add(part: Part): void {
    if (!AROUND.has(part.type)) {
      this.#hasContent = true;
      this.#heard.wrote();
    }
    switch (part.type) {
      case "stream-start":
        this.#warnings = part.warnings;
        return;
      case "response-metadata": {
        const { type: _type, ...head } = part;
        this.#head = { ...this.#head, ...head };
        return;
      }
      case "text-start":
      case "reasoning-start":
        this.#begin(part.type === "text-start" ? "text" : "reasoning", part);
        return;
      case "text-delta":
      case "reasoning-delta":
        this.#write(part);
        if (part.type === "text-delta") this.#heard.onText(part.delta);
        return;
      case "text-end":
      case "reasoning-end":
        this.#write({ ...part, delta: "" });
        this.#open.delete(keyOf(part));
        return;
      case "tool-call":
      case "tool-result":
      case "tool-approval-request":
      case "file":
      case "reasoning-file":
      case "source":
        this.#content.push(part);
        return;
      // A call follows its input whole; the others are signs of life, and remarks of adapters about their streams.
      case "custom":
      case "tool-input-start":
      case "tool-input-delta":
      case "tool-input-end":
      case "ping":
      case "raw":
        return;
      case "finish":
        this.#finish = part;
        return;
      case "error":
        throw isCutShort(part.error) ? new CutStreamError() : part.error;
    }
  }

  /** @throws CutStreamError */
  whole(response: NonNullable<Generated["response"]>): Generated {
    const finish = this.#finish;
    if (finish === null || isCut(finish.finishReason)) {
      throw new CutStreamError();
    }
    const { finishReason, usage, providerMetadata } = finish;
    return {
      content: this.#content,
      finishReason,
      usage,
      warnings: this.#warnings,
      response: { ...this.#head, ...response },
      ...(providerMetadata !== undefined && { providerMetadata }),
    };
  }

  #begin(
    type: TextPart["type"],
    { id, providerMetadata }: Extract<Part, { readonly type: "text-start" | "reasoning-start" }>,
  ): void {
    const part: TextPart = { type, text: "", ...(providerMetadata !== undefined && { providerMetadata }) };
    this.#content.push(part);
    this.#open.set(`${type}/${id}`, part);
  }

  /** The last metadata of a part stands: a signature comes after what it signs. */
  #write(piece: {
    readonly type: "text-delta" | "reasoning-delta" | "text-end" | "reasoning-end";
    readonly id: string;
    readonly delta: string;
    readonly providerMetadata?: TextPart["providerMetadata"];
  }): void {
    const part = this.#open.get(keyOf(piece));
    if (part === undefined) return;
    part.text += piece.delta;
    if (piece.providerMetadata !== undefined) part.providerMetadata = piece.providerMetadata;
  }
}

function keyOf({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type.startsWith("text") ? "text" : "reasoning"}/${id}`;
}

/** How the OpenAI-compatible adapter says it: data that it could not read comes with the data. */
function isCutShort(error: unknown): boolean {
  return InvalidResponseDataError.isInstance(error) && error.data === undefined;
}

/** Adapters close a stream that broke off without an error by themselves, and then have no word of the provider's. */
function isCut({ raw }: Generated["finishReason"]): boolean {
  return raw === undefined || raw === "stream-truncated";
}
