/**
 * The way to models for one run of an auction, over as many invocations as its calls need: the run's own, and helpers
 * (see `call-helper.ts`). A call goes to the first of them with a free connection.
 */
import type { Answer, CallLimits } from "../agents/model-port.ts";
import { logError } from "../log.ts";
import type { Agent } from "../market/agent.ts";
import type { AuctionModels } from "./auction-run.ts";
import type { CallHelperApi, CarriedCall } from "./call-helper.ts";
import { SentTexts, TEXTS_MISSING, type TextsMissing } from "./held-texts.ts";

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
  readonly helper: Helper | null;
  inFlight: number;
}

interface Helper {
  readonly name: string;
  readonly texts: SentTexts;
  /** It failed a call: it is not used again. */
  bad: boolean;
}

interface Carried {
  readonly helper: Helper;
  readonly call: CarriedCall;
  readonly limits: CallLimits;
}

/** Of a call that was stopped before its helper heard of it: what the helper does not know, it cannot stop. */
const NEVER_SENT = {
  ok: false,
  failure: { reason: "cancelled", message: "the call was stopped before it was sent" },
  bill: { status: "refused" },
  ms: 0,
  requests: 0,
} as const;

type Ask<T> = (helper: CallHelperApi, call: CarriedCall) => Promise<Answer<T> | TextsMissing>;

export class SpreadCalls implements AuctionModels {
  readonly #models: AuctionModels;
  readonly #stock: HelperStock;
  readonly #now: () => number;
  readonly #run: string;
  readonly #places: Place[] = [{ helper: null, inFlight: 0 }];
  #calls = 0;

  constructor(parts: {
    readonly models: AuctionModels;
    readonly stock: HelperStock;
    /** Names the run among all that use the same helpers. */
    readonly run: string;
    /** Milliseconds since 1970. */
    readonly now: () => number;
  }) {
    this.#models = parts.models;
    this.#stock = parts.stock;
    this.#run = parts.run;
    this.#now = parts.now;
  }

  bid: AuctionModels["bid"] = async (agent, input, limits) =>
    this.#place(
      { agent, limits },
      async () => this.#models.bid(agent, input, limits),
      ({ texts }) => {
        const carried = { ...input, task: texts.at(input.task) };
        return async (helper, call) => helper.bid(call, carried);
      },
    );

  judge: AuctionModels["judge"] = async (agent, input, limits) =>
    this.#place(
      { agent, limits },
      async () => this.#models.judge(agent, input, limits),
      ({ texts }) => {
        const bids = input.bids.map(({ label, strategy }) => ({ label, strategy: texts.at(strategy) }));
        const carried = { ...input, task: texts.at(input.task), bids };
        return async (helper, call) => helper.judge(call, carried);
      },
    );

  bidBound: AuctionModels["bidBound"] = (agent, input) => this.#models.bidBound(agent, input);
  juryBound: AuctionModels["juryBound"] = (agent, input) => this.#models.juryBound(agent, input);

  /** The run is over: helpers without calls serve others. */
  close(): void {
    for (const { helper, inFlight } of this.#places) {
      if (helper === null) continue;
      this.#stock
        .helper(helper.name)
        .release(this.#run)
        .catch(() => undefined);
      if (inFlight === 0 && !helper.bad) this.#stock.giveBack(helper.name);
    }
  }

  /** @param there names the call's texts and gives the way to make it */
  async #place<T>(
    { agent, limits }: { readonly agent: Agent; readonly limits: CallLimits },
    here: () => Promise<Answer<T>>,
    there: (helper: Helper) => Ask<T>,
  ): Promise<Answer<T>> {
    const place = this.#free();
    place.inFlight += 1;
    try {
      const { helper } = place;
      if (helper === null) return await here();
      this.#calls += 1;
      const { deadlineAtMs } = limits;
      const call: CarriedCall = { run: this.#run, key: String(this.#calls), agent, deadlineAtMs };
      const carried = { helper, call, limits };
      return await this.#carry(carried, this.#send(carried, there(helper)));
    } finally {
      place.inFlight -= 1;
    }
  }

  /** The call after its texts; once more where the helper has forgotten them, which a call that was made cannot say. */
  async #send<T>({ helper, call, limits }: Carried, ask: Ask<T>): Promise<Answer<T>> {
    await helper.texts.arrive();
    if (limits.signal.aborted) return NEVER_SENT;
    const answer = await ask(this.#stock.helper(helper.name), call);
    if (answer !== TEXTS_MISSING) return answer;
    await helper.texts.arriveAgain();
    if (limits.signal.aborted) return NEVER_SENT;
    const again = await ask(this.#stock.helper(helper.name), call);
    if (again === TEXTS_MISSING) throw new Error("the helper keeps no texts");
    return again;
  }

  #free(): Place {
    const free = this.#places.find(
      ({ helper, inFlight }) =>
        inFlight < (helper === null ? OWN_CONNECTIONS : CONNECTIONS) && helper?.bad !== true,
    );
    if (free !== undefined) return free;
    const name = this.#stock.take();
    const texts = new SentTexts((from, sent) => this.#stock.helper(name).hold(this.#run, from, sent));
    const place = { helper: { name, texts, bad: false }, inFlight: 0 };
    this.#places.push(place);
    return place;
  }

  /** A helper that dies with a call says nothing of its bill: the call stays counted at its bound. */
  async #carry<T>({ helper, call, limits }: Carried, answer: Promise<Answer<T>>): Promise<Answer<T>> {
    const startedMs = this.#now();
    const lost = Promise.withResolvers<never>();
    const stop = (): void => {
      this.#stock
        .helper(helper.name)
        .abort(call.run, call.key)
        .catch(() => undefined);
      setTimeout(() => lost.reject(new Error("the helper does not answer")), ABORT_GRACE_MS);
    };
    if (limits.signal.aborted) stop();
    else limits.signal.addEventListener("abort", stop, { once: true });
    try {
      const given = await Promise.race([answer, lost.promise]);
      // As long as the auction waited for it, as with a call of its own.
      return { ...given, ms: this.#now() - startedMs };
    } catch (error) {
      helper.bad = true;
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
