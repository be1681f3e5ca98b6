/**
 * Makes model calls for an auction in an invocation of its own.
 *
 * An invocation may have six connections that wait for response headers, and a model that does not stream sends none
 * until it is done: the seventh agent would be asked when the first has answered. Workers that call each other by
 * service bindings share that limit, an object has its own. A helper is an object without storage and without a say:
 * it carries calls, and whoever sent it records them.
 */
import { DurableObject } from "cloudflare:workers";
import type { Answer, BidAnswer, CallLimits, JuryAnswer } from "../agents/model-port.ts";
import type { Agent } from "../market/agent.ts";
import type { AuctionModels } from "./auction-run.ts";
import { HeldTexts, TEXTS_MISSING, type TextAt, type TextsMissing } from "./held-texts.ts";

type BidInput = Parameters<AuctionModels["bid"]>[1];
type JuryInput = Parameters<AuctionModels["judge"]>[1];

/** A call as it travels: no signal can cross. */
export interface CarriedCall {
  /** The auction's run that sends it. */
  readonly run: string;
  /** Names the call within its run, for `abort`. */
  readonly key: string;
  readonly agent: Agent;
  /** Milliseconds since 1970. */
  readonly deadlineAtMs: number;
}

export type CarriedBid = Omit<BidInput, "task"> & { readonly task: TextAt };
export type CarriedJury = Omit<JuryInput, "task" | "bids"> & {
  readonly task: TextAt;
  readonly bids: readonly { readonly label: string; readonly strategy: TextAt }[];
};

export interface CallHelperApi {
  /** Texts that calls of the run refer to, the first of them at place `from`. */
  hold(run: string, from: TextAt, texts: readonly string[]): Promise<void>;
  /** The run is over. */
  release(run: string): Promise<void>;
  bid(call: CarriedCall, input: CarriedBid): Promise<Answer<BidAnswer> | TextsMissing>;
  judge(call: CarriedCall, input: CarriedJury): Promise<Answer<JuryAnswer> | TextsMissing>;
  /** Cuts a call off; its answer says what is known of its bill. Unknown keys are ignored. */
  abort(run: string, key: string): Promise<void>;
}

export interface CallHelperDeps {
  readonly models: AuctionModels;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export type CallHelperClass = new (ctx: DurableObjectState, env: Env) => DurableObject<Env> & CallHelperApi;

/** The object's class; the composition root says what it works with. */
export function defineCallHelper(depsOf: (env: Env) => CallHelperDeps): CallHelperClass {
  return class CallHelper extends DurableObject<Env> implements CallHelperApi {
    readonly #running = new Map<string, AbortController>();
    readonly #texts = new HeldTexts();

    async hold(run: string, from: TextAt, texts: readonly string[]): Promise<void> {
      this.#texts.hold(run, from, texts);
    }

    async release(run: string): Promise<void> {
      this.#texts.release(run);
    }

    async bid(call: CarriedCall, input: CarriedBid): Promise<Answer<BidAnswer> | TextsMissing> {
      const texts = this.#texts.all(call.run, [input.task]);
      if (texts === null) return TEXTS_MISSING;
      const [task = ""] = texts;
      return this.#carry(call, (models, limits) => models.bid(call.agent, { ...input, task }, limits));
    }

    async judge(call: CarriedCall, input: CarriedJury): Promise<Answer<JuryAnswer> | TextsMissing> {
      const texts = this.#texts.all(call.run, [input.task, ...input.bids.map((bid) => bid.strategy)]);
      if (texts === null) return TEXTS_MISSING;
      const [task = "", ...strategies] = texts;
      const bids = input.bids.map(({ label }, at) => ({ label, strategy: strategies[at] ?? "" }));
      return this.#carry(call, (models, limits) =>
        models.judge(call.agent, { ...input, task, bids }, limits),
      );
    }

    async abort(run: string, key: string): Promise<void> {
      this.#running.get(`${run} ${key}`)?.abort();
    }

    async #carry<T>(
      { run, key, deadlineAtMs }: CarriedCall,
      ask: (models: AuctionModels, limits: CallLimits) => Promise<T>,
    ): Promise<T> {
      const { models, now } = depsOf(this.env);
      const controller = new AbortController();
      const timeout = AbortSignal.timeout(Math.max(1, deadlineAtMs - now()));
      const name = `${run} ${key}`;
      this.#running.set(name, controller);
      try {
        return await ask(models, { signal: AbortSignal.any([controller.signal, timeout]), deadlineAtMs });
      } finally {
        this.#running.delete(name);
      }
    }
  };
}
