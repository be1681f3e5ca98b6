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

export type BidInput = Parameters<AuctionModels["bid"]>[1];
export type JuryInput = Parameters<AuctionModels["judge"]>[1];

/** A call as it travels: no signal can cross. */
export interface CarriedCall {
  /** Names the call for `abort`. */
  readonly key: string;
  readonly agent: Agent;
  /** Milliseconds since 1970. */
  readonly deadlineAtMs: number;
}

export interface CallHelperApi {
  bid(call: CarriedCall, input: BidInput): Promise<Answer<BidAnswer>>;
  judge(call: CarriedCall, input: JuryInput): Promise<Answer<JuryAnswer>>;
  /** Cuts a call off; its answer says what is known of its bill. Unknown keys are ignored. */
  abort(key: string): Promise<void>;
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

    async bid(call: CarriedCall, input: BidInput): Promise<Answer<BidAnswer>> {
      return this.#carry(call, (models, limits) => models.bid(call.agent, input, limits));
    }

    async judge(call: CarriedCall, input: JuryInput): Promise<Answer<JuryAnswer>> {
      return this.#carry(call, (models, limits) => models.judge(call.agent, input, limits));
    }

    async abort(key: string): Promise<void> {
      this.#running.get(key)?.abort();
    }

    async #carry<T>(
      { key, deadlineAtMs }: CarriedCall,
      ask: (models: AuctionModels, limits: CallLimits) => Promise<T>,
    ): Promise<T> {
      const { models, now } = depsOf(this.env);
      const controller = new AbortController();
      const timeout = AbortSignal.timeout(Math.max(1, deadlineAtMs - now()));
      this.#running.set(key, controller);
      try {
        return await ask(models, { signal: AbortSignal.any([controller.signal, timeout]), deadlineAtMs });
      } finally {
        this.#running.delete(key);
      }
    }
  };
}
