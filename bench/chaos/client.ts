/** A client that outlives the Worker's deaths: it asks again until it is answered, as its Idempotency-Key lets it. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Ask {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly bearer: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

export interface Answered {
  readonly status: number;
  /** Null: no JSON. */
  readonly json: Readonly<Record<string, unknown>> | null;
}

/** An answer that never comes does not keep a client for longer. */
const ANSWER_MS = 20_000;
const AGAIN_MS = 150;
/** Told to come again: all of them may be meant for a moment only. */
const ASK_AGAIN = new Set([429, 500, 502, 503, 504]);

export class Client {
  readonly #url: string;
  /** Set once the run is over: nobody asks again then. */
  #over = false;

  constructor(url: string) {
    this.#url = url;
  }

  close(): void {
    this.#over = true;
  }

  /** @throws Error where the run ends before there is an answer */
  async ask(ask: Ask): Promise<Answered> {
    for (;;) {
      const answer = await this.#once(ask);
      if (answer !== null && !ASK_AGAIN.has(answer.status)) return answer;
      if (this.#over) throw new Error(`no answer to ${ask.method} ${ask.path} before the run was over`);
      await sleep(AGAIN_MS);
    }
  }

  /** Null: the connection broke, or was never made. */
  async #once({ method, path, bearer, body, idempotencyKey }: Ask): Promise<Answered | null> {
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${bearer}`,
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const text = await response.text();
      return { status: response.status, json: parsed(text) };
    } catch {
      return null;
    }
  }
}

function parsed(text: string): Answered["json"] {
  try {
    return JSON.parse(text) as Answered["json"];
  } catch {
    return null;
  }
}
