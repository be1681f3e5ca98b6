/**
 * One call to a model: its requests, retries, time and money.
 *
 * A call may owe for as many answers as its upper bound counts (`answers`), no more: an answer uses one up, and so does a
 * request that was cut off, since it may have been billed. So a cut is retried only where the bound has room for it;
 * a refusal costs nothing and is retried freely within `MAX_REQUESTS`.
 */
import type { Agent } from "../../market/agent.ts";
import type { CallBill, CallFailure } from "../../market/call.ts";
import { addUsage, callCost, NO_USAGE } from "../../market/money.ts";
import { fail, ok, type Result } from "../../market/result.ts";
import type { Answer, CallLimits } from "../model-port.ts";
import type { Reply } from "../providers/provider.ts";
import { abortFailure, classifyError, type RequestError } from "./classify-error.ts";
import { raceAbort } from "../../async/race-abort.ts";
import { MAX_REQUESTS, MIN_REQUEST_MS, retryDelayMs } from "./retry-delay.ts";

/** Time and chance; tests pass fixed ones. */
export interface CallClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms`, or earlier when the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

export interface SendFailure extends CallFailure {
  /** See `RequestError`. */
  readonly rejectedInput: boolean;
}

interface CallOptions {
  readonly agent: Agent;
  readonly limits: CallLimits;
  readonly clock: CallClock;
  /** Values that must not appear in messages. */
  readonly secrets: readonly string[];
  /** Answers that the call's upper bound pays for. */
  readonly answers: number;
}

export class MeteredCall {
  readonly #options: CallOptions;
  readonly #startedMs: number;
  #requests = 0;
  #answersLeft: number;
  #usage = NO_USAGE;
  #billed = false;
  #unconfirmed = false;
  /** Of the latest request: some of its answer has come. */
  #heardAnswer = false;
  #cutInAnswer = false;

  constructor(options: CallOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
    this.#answersLeft = options.answers;
  }

  /** Milliseconds since the call began. */
  get elapsedMs(): number {
    return this.#options.clock.now() - this.#startedMs;
  }

  /** Its caller ended the call (a deadline, say) while the answer was coming, and the model had not gone quiet. */
  get wasCutInAnswer(): boolean {
    return this.#cutInAnswer;
  }

  /** Some of the answer to the request under way has come. */
  hearAnswer(): void {
    this.#heardAnswer = true;
  }

  /** True where one more request of about `ms` fits the deadline and the bound. */
  canSend(ms: number): boolean {
    const { clock, limits } = this.#options;
    return (
      !limits.signal.aborted &&
      this.#requests < MAX_REQUESTS &&
      this.#answersLeft > 0 &&
      clock.now() + ms <= limits.deadlineAtMs
    );
  }

  /** Sends a request, again where that may help, until an answer or a final failure. */
  async send<T extends Reply>(request: (signal: AbortSignal) => Promise<T>): Promise<Result<T, SendFailure>> {
    const { signal } = this.#options.limits;
    if (signal.aborted) return fail({ ...abortFailure(signal), rejectedInput: false });
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#request(request);
      if (outcome.ok) return outcome;
      const error = outcome.failure;
      const failure = { ...error.failure, rejectedInput: error.rejectedInput };
      if (!error.retryable || !(await this.#waitForRetry(attempt, error))) return fail(failure);
      if (signal.aborted) return fail({ ...abortFailure(signal), rejectedInput: false });
    }
  }

  /** The call's answer with its bill; no request may follow. */
  end<T>(result: Result<T, CallFailure>): Answer<T> {
    const common = { bill: this.#bill(), ms: this.elapsedMs, requests: this.#requests };
    if (result.ok) return { ...common, ok: true, value: result.value };
    const { reason, message, mayPass, retryAfterMs } = result.failure;
    const later = { ...(mayPass && { mayPass }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
    return { ...common, ok: false, failure: { reason, message, ...later } };
  }

  async #request<T extends Reply>(
    request: (signal: AbortSignal) => Promise<T>,
  ): Promise<Result<T, RequestError>> {
    const { clock, limits, secrets } = this.#options;
    this.#requests++;
    this.#heardAnswer = false;
    try {
      const reply = await raceAbort(request(limits.signal), limits.signal);
      this.#answersLeft--;
      this.#record(reply);
      return ok(reply);
    } catch (thrown) {
      this.#cutInAnswer = limits.signal.aborted && this.#heardAnswer;
      const error = classifyError(thrown, { signal: limits.signal, nowMs: clock.now(), secrets });
      if (error.billing === "unconfirmed") {
        this.#answersLeft--;
        this.#unconfirmed = true;
      }
      return fail(error);
    }
  }

  #record({ usage }: Reply): void {
    if (usage === null) {
      this.#unconfirmed = true;
      return;
    }
    this.#billed = true;
    this.#usage = addUsage(this.#usage, usage);
  }

  async #waitForRetry(attempt: number, error: RequestError): Promise<boolean> {
    const { clock, limits } = this.#options;
    const ms = retryDelayMs({ attempt, chance: clock.random(), retryAfterMs: error.retryAfterMs });
    if (!this.canSend(ms + MIN_REQUEST_MS)) return false;
    await clock.sleep(ms, limits.signal);
    return true;
  }

  /** One request of unknown cost leaves the whole call at its bound, which counts every answer. */
  #bill(): CallBill {
    if (this.#unconfirmed) return { status: "unconfirmed" };
    if (!this.#billed) return { status: "refused" };
    return {
      status: "billed",
      usage: this.#usage,
      // Rounded up once, for all answers of the call.
      costMicros: callCost(this.#usage, this.#options.agent.prices),
      prices: this.#options.agent.prices,
    };
  }
}
