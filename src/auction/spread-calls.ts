/**
 * The way to models for one run of an auction, over as many invocations as its calls need: the run's own, and helpers
 * (see `call-helper.ts`). A call goes to the first of them with a free connection.
 */
import type { Answer, CallLimits } from "../agents/model-port.ts";
import { logError } from "../log.ts";
import type { Agent } from "../market/agent.ts";
import type { AuctionModels } from "./auction-run.ts";
import type { CallHelperApi, CarriedCall } from "./call-helper.ts";

/** Connections that one invocation may keep waiting for headers (developers.cloudflare.com/workers/platform/limits). */
const CONNECTIONS = 6;
/** Of its own the run leaves one to the memory: its embedding and its look-up. */
const OWN_CONNECTIONS = CONNECTIONS - 1;
/** A helper that was told to stop and says nothing for so long is not waited for. */
const ABORT_GRACE_MS = 2_000;

/** Helpers by name. An idle one serves the next auction of this isolate: it is awake already. */
export interface HelperStock {
  take(): string;
  giveBack(name: string): void;
  /** A fresh stub for every call: one whose object restarted stays broken. */
  helper(name: string): CallHelperApi;
}

export function createHelperStock(source: {
  /** A name that nobody else uses. */
  newName(): string;
  helper(name: string): CallHelperApi;
}): HelperStock {
  const idle: string[] = [];
  return {
    take: () => idle.pop() ?? source.newName(),
    giveBack: (name) => void idle.push(name),
    helper: (name) => source.helper(name),
  };
}

interface Place {
  /** Null: the run's own invocation. */
  readonly helper: string | null;
  inFlight: number;
}

export class SpreadCalls implements AuctionModels {
  readonly #models: AuctionModels;
  readonly #stock: HelperStock;
  readonly #now: () => number;
  readonly #places: Place[] = [{ helper: null, inFlight: 0 }];
  /** Helpers that failed a call: not used again. */
  readonly #bad = new Set<string>();
  #calls = 0;

  constructor(parts: {
    readonly models: AuctionModels;
    readonly stock: HelperStock;
    /** Milliseconds since 1970. */
    readonly now: () => number;
  }) {
    this.#models = parts.models;
    this.#stock = parts.stock;
    this.#now = parts.now;
  }

  bid: AuctionModels["bid"] = async (agent, input, limits) =>
    this.#place({ agent, limits }, (carried) =>
      carried === null
        ? this.#models.bid(agent, input, limits)
        : this.#stock.helper(carried.helper).bid(carried.call, input),
    );

  judge: AuctionModels["judge"] = async (agent, input, limits) =>
    this.#place({ agent, limits }, (carried) =>
      carried === null
        ? this.#models.judge(agent, input, limits)
        : this.#stock.helper(carried.helper).judge(carried.call, input),
    );

  bidBound: AuctionModels["bidBound"] = (agent, input) => this.#models.bidBound(agent, input);
  juryBound: AuctionModels["juryBound"] = (agent, input) => this.#models.juryBound(agent, input);

  /** The run is over: helpers without calls serve others. */
  close(): void {
    for (const { helper, inFlight } of this.#places) {
      if (helper !== null && inFlight === 0 && !this.#bad.has(helper)) this.#stock.giveBack(helper);
    }
  }

  async #place<T>(
    asked: { readonly agent: Agent; readonly limits: CallLimits },
    ask: (carried: { readonly helper: string; readonly call: CarriedCall } | null) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const place = this.#free();
    place.inFlight += 1;
    try {
      const { helper } = place;
      if (helper === null) return await ask(null);
      this.#calls += 1;
      const { agent, limits } = asked;
      const call: CarriedCall = { key: String(this.#calls), agent, deadlineAtMs: limits.deadlineAtMs };
      return await this.#carry({ helper, call, limits }, ask({ helper, call }));
    } finally {
      place.inFlight -= 1;
    }
  }

  #free(): Place {
    const free = this.#places.find(
      ({ helper, inFlight }) =>
        inFlight < (helper === null ? OWN_CONNECTIONS : CONNECTIONS) && !this.#bad.has(helper ?? ""),
    );
    if (free !== undefined) return free;
    const place = { helper: this.#stock.take(), inFlight: 0 };
    this.#places.push(place);
    return place;
  }

  /** A helper that dies with a call says nothing of its bill: the call stays counted at its bound. */
  async #carry<T>(
    { helper, call, limits }: { helper: string; call: CarriedCall; limits: CallLimits },
    answer: Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const startedMs = this.#now();
    const lost = Promise.withResolvers<never>();
    const stop = (): void => {
      this.#stock
        .helper(helper)
        .abort(call.key)
        .catch(() => undefined);
      setTimeout(() => lost.reject(new Error("the helper does not answer")), ABORT_GRACE_MS);
    };
    if (limits.signal.aborted) stop();
    else limits.signal.addEventListener("abort", stop, { once: true });
    try {
      return await Promise.race([answer, lost.promise]);
    } catch (error) {
      this.#bad.add(helper);
      logError("call-helper-failed", error, { agentId: call.agent.id });
      const reason = limits.signal.aborted ? "timeout" : "unreachable";
      const failure = { reason, message: "the call's helper failed" } as const;
      const ms = this.#now() - startedMs;
      return { ok: false, failure, bill: { status: "unconfirmed" }, ms, requests: 1 };
    } finally {
      limits.signal.removeEventListener("abort", stop);
    }
  }
}
