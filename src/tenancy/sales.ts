/**
 * The sale of a cleared auction in the market room: to the best bid that nothing stands against, to nobody, or to the
 * tenant, who chooses from a quote. Called inside the market room's transactions.
 */
import type { AuctionCommit } from "../market/auction-commit.ts";
import type { SaleRecord } from "../market/award.ts";
import type { Clearing } from "../market/clear.ts";
import type { HistoryRow } from "../market/history-row.ts";
import { MAX_SHOWN_ATTEMPT_BYTES } from "../market/escalation.ts";
import type { AgentId, TaskId } from "../market/ids.ts";
import { sumMicros, type Micros } from "../market/money.ts";
import type { CallHolds } from "../market/sale/forecast.ts";
import { firstCallHold, wrapUpHold } from "../market/ledger/trace-hold.ts";
import { withAuctionCost, type Offer } from "../market/sale/quote.ts";
import { obstaclesOf, standingsOf, type NoSale, type SaleTerms } from "../market/sale/sale.ts";
import type { Policy } from "../market/policy.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { shownBytesTo } from "../market/takeover.ts";
import { isFinal } from "../market/task.ts";
import { utf8Bytes } from "../market/utf8.ts";
import type { HoldRefusal } from "./ledger.ts";
import { AUCTION_TIMER, type MarketDesk } from "./market-desk.ts";
import type { ClearOutcome, ClearRequest, QuoteRefusal } from "./market-room-api.ts";
import { beganAtMs, type MarketTask, type TaskTerms } from "./task-store.ts";

/** When an open quote runs out. */
export const QUOTE_TIMER = "quote-expiry";

/** Tasks from before limits were kept here: their own rooms hold them to theirs. */
const UNLIMITED = { maxCostUsd: null, deadlineS: Infinity, maxSteps: Infinity };

/** A cleared auction that nothing is sold of yet, and what belongs to it. */
export interface ClearedAuction {
  readonly clearing: Clearing;
  readonly tail: AuctionCommit | null;
  /** Of its auction, for the history. */
  readonly rows: readonly HistoryRow[];
}

/** A bid of a quote that its tenant accepted, with its trace held. */
export interface AcceptedOffer {
  readonly task: MarketTask;
  readonly clearing: Clearing;
  readonly agentId: AgentId;
  readonly sale: SaleRecord;
  /** Most that its trace may cost. */
  readonly capMicros: Micros;
  /** What all calls of the task may cost from now on. */
  readonly allowanceMicros: Micros;
  readonly deadlineAtMs: number;
}

export class Sales {
  readonly #desk: MarketDesk;

  constructor(desk: MarketDesk) {
    this.#desk = desk;
  }

  /** What a sale of the task is decided by, as things stand. */
  termsOf(
    task: MarketTask,
    terms: TaskTerms,
    request: Pick<ClearRequest, "bids" | "verdicts" | "task">,
  ): SaleTerms {
    const calls = [...request.bids, ...request.verdicts];
    const holds = firstCallHolds(task, terms, { textBytes: textBytesOf(terms, request), shownBytes: 0 });
    return this.#termsWith(task, terms, {
      holds,
      spentMicros: sumMicros(calls.map((call) => call.costMicros)),
    });
  }

  /**
   * The same after an attempt, whose calls are all booked.
   *
   * @param known.textBytes by agent: the task with its strategy, in UTF-8
   * @param known.shownBytes what every agent is shown beside that, and beside earlier attempts
   */
  termsAfter(
    task: MarketTask,
    terms: TaskTerms,
    known: { readonly textBytes: Readonly<Record<AgentId, number>>; readonly shownBytes: number },
  ): SaleTerms {
    const holds = firstCallHolds(task, terms, known);
    return this.#termsWith(task, terms, { holds, spentMicros: this.#desk.ledger.charged(task.taskId) });
  }

  #termsWith(
    task: MarketTask,
    terms: TaskTerms,
    known: { readonly holds: ReadonlyMap<AgentId, CallHolds>; readonly spentMicros: Micros },
  ): SaleTerms {
    const { holds, spentMicros } = known;
    return {
      forecasts: new Map(
        terms.pool.map((agent) => [agent.id, this.#desk.forecast(agent, holds.get(agent.id))]),
      ),
      limits: task.limits ?? UNLIMITED,
      spentMicros,
      // The time of a quote begins with its acceptance.
      elapsedMs: task.quote == null ? this.#desk.now() - beganAtMs(task) : 0,
      shares: this.#sharesOf(terms.policy),
    };
  }

  /** Of agents whose next award would pass their caps. */
  #sharesOf({ maxShares = {} }: Policy): SaleTerms["shares"] {
    const { awards } = this.#desk.store;
    const capped = (Object.entries(maxShares) as [AgentId, number][]).map(
      ([agentId, cap]) => [agentId, { cap, needs: awards.shareWithNext(agentId) }] as const,
    );
    return new Map(capped.filter(([, { cap, needs }]) => needs > cap));
  }

  /** Something stands against every bid: the task's room ends the task, with every bill in, and reports. */
  refuse(task: MarketTask, { clearing, tail, rows }: ClearedAuction, noSale: NoSale): ClearOutcome {
    const { passedOver, reason, relaxation } = noSale;
    const end = { state: "no_sale", reason, relaxation } as const;
    this.#desk.timers.clear(AUCTION_TIMER, task.taskId);
    this.#desk.oweInPlaceOfOpening(task, {
      kind: "unsold",
      unsold: { clearing, passedOver, end, decidedAtMs: this.#desk.now(), tail },
    });
    this.#desk.record({ ...task, lease: null }, rows);
    return { state: "no_sale", reason };
  }

  /** The bids stand until the quote runs out. */
  offer(task: MarketTask, cleared: ClearedAuction, terms: SaleTerms): ClearOutcome {
    const { clearing, tail, rows } = cleared;
    const { quote } = task;
    if (quote == null) throw new Error(`${task.taskId} is no quote`);
    const clearedAtMs = this.#desk.now();
    const expiresAtMs = clearedAtMs + quote.expiresInS * 1_000;
    const offers = offersOf(clearing, terms);
    this.#desk.timers.clear(AUCTION_TIMER, task.taskId);
    this.#desk.timers.set(QUOTE_TIMER, task.taskId, expiresAtMs);
    this.#desk.oweInPlaceOfOpening(task, {
      kind: "quoted",
      quoted: { clearing, offers, clearedAtMs, expiresAtMs, tail },
    });
    const open = { clearing, offers, expiresAtMs };
    this.#desk.record({ ...task, state: "quoted", lease: null, quote: { ...quote, open } }, rows);
    this.#desk.turns.grant();
    return { state: "quoted", expiresAtMs };
  }

  /**
   * One of the bids, by its agent, with its trace held at the quoted cap; nothing changes where it is refused.
   *
   * @param agentId null: the best bid that nothing stands against
   */
  accept(
    task: MarketTask,
    { policy }: Pick<TaskTerms, "policy">,
    agentId: AgentId | null,
  ): Result<AcceptedOffer, QuoteRefusal> {
    const { quote } = task;
    if (quote == null) return fail({ reason: "quote_not_found" });
    if (isFinal(task.state) || task.stopping) return fail(closedBy(task, this.#desk.now()));
    // Its room tells what the auction has cost before it has taken the quote: the trace's money is its own.
    const isTold = this.#desk.outbox.isEmpty(task.taskId);
    if (quote.open === null || !isTold) return fail({ reason: "quote_not_ready" });
    const { expiresAtMs, clearing } = quote.open;
    const offers = withAuctionCost(withShares(quote.open.offers, this.#sharesOf(policy)), {
      maxCostUsd: task.limits?.maxCostUsd ?? null,
      spentMicros: this.#desk.ledger.charged(task.taskId),
    });
    const nowMs = this.#desk.now();
    if (nowMs >= expiresAtMs) return fail({ reason: "quote_expired" });
    // Where something stands against every bid by now, that is said of the best.
    const offer =
      agentId === null
        ? (offers.find(isAcceptable) ?? offers[0])
        : offers.find((one) => one.agentId === agentId);
    if (offer === undefined)
      return fail({
        reason: "unknown_offer",
        agentIds: offers.filter(isAcceptable).map((one) => one.agentId),
      });
    if (!isAcceptable(offer)) return fail({ reason: "offer_not_acceptable", obstacles: offer.obstacles });
    const full = this.#desk.turns.acceptRefusal(this.#desk.store.tasks.open.accountOf(task.taskId));
    if (full !== null) return fail({ reason: "queue_full", ...full });
    const refusal = this.#hold(task.taskId, offer.capMicros);
    if (refusal !== null) return fail({ reason: "budget", refusal });
    this.#desk.timers.clear(QUOTE_TIMER, task.taskId);
    const passedOver = offers
      .filter((one) => !isAcceptable(one))
      .map((one) => ({ agentId: one.agentId, obstacles: one.obstacles }));
    return ok({
      task: { ...task, quote: { ...quote, open: null } },
      clearing,
      agentId: offer.agentId,
      capMicros: offer.capMicros,
      allowanceMicros: this.#desk.allowance(task.taskId),
      sale: { round: offer.round, chosenBy: "tenant", passedOver },
      deadlineAtMs: nowMs + quote.deadlineS * 1_000,
    });
  }

  #hold(taskId: TaskId, capMicros: Micros): HoldRefusal | null {
    const { ledger } = this.#desk;
    const account = ledger.account(taskId);
    if (account === null) throw new Error(`no account of ${taskId}`);
    return ledger.holdExactly(taskId, capMicros, this.#desk.budgets(account.keyId));
  }

  /** The quote's timer rang: what nobody accepted ends. */
  expire(task: MarketTask): void {
    this.#desk.timers.clear(QUOTE_TIMER, task.taskId);
    if (task.state !== "quoted" || task.stopping) return;
    this.#desk.store.tasks.put({ ...task, stopping: true });
    this.#desk.owe(task, {
      kind: "stop",
      end: { state: "no_sale", reason: "quote_expired", relaxation: null },
    });
  }
}

/** As they stand now: caps on shares may have been reached since, or have room again. */
function withShares(offers: readonly Offer[], shares: SaleTerms["shares"]): Offer[] {
  return offers.map((offer) => {
    const share = shares.get(offer.agentId);
    const others = offer.obstacles.filter(({ limit }) => limit !== "maxShare");
    const capped =
      share === undefined ? [] : [{ limit: "maxShare" as const, is: share.cap, needs: share.needs }];
    return { ...offer, obstacles: [...others, ...capped] };
  });
}

function isAcceptable({ obstacles }: Offer): boolean {
  return obstacles.length === 0;
}

/** Of one that was stopped and whose room has not reported yet: by time, where that is up. */
function closedBy({ end, quote }: MarketTask, nowMs: number): QuoteRefusal {
  const isUp = nowMs >= (quote?.open?.expiresAtMs ?? Infinity);
  const expired = end === null ? isUp : end.state === "no_sale" && end.reason === "quote_expired";
  return { reason: expired ? "quote_expired" : "quote_closed" };
}

/** Every standing bid, best first. */
function offersOf(clearing: Clearing, terms: SaleTerms): Offer[] {
  const offers = standingsOf(clearing).map((standing): Offer => {
    const forecast = terms.forecasts.get(standing.agentId);
    if (forecast === undefined) throw new Error(`no forecast of ${standing.agentId}`);
    const obstacles = obstaclesOf(standing.agentId, terms);
    return { ...standing, forecast, capMicros: forecast.capMicros, obstacles };
  });
  return withAuctionCost(offers, { ...terms.limits, spentMicros: terms.spentMicros });
}

/** By agent: the task with the longest strategy that it bid, in UTF-8. */
export function textBytesOf(
  { pool }: Pick<TaskTerms, "pool">,
  { bids, task }: Pick<ClearRequest, "bids" | "task">,
): Record<AgentId, number> {
  const taskBytes = utf8Bytes(task);
  const longest = pool.map(({ id }): [AgentId, number] => {
    const strategies = bids.flatMap((bid) =>
      bid.agentId === id && bid.status === "valid" ? [utf8Bytes(bid.strategy)] : [],
    );
    return [id, taskBytes + Math.max(0, ...strategies)];
  });
  return Object.fromEntries(longest);
}

/** By agent: what the first call of its trace, and a wrap-up, are held at, with what it is told of earlier attempts. */
function firstCallHolds(
  { limits, attempt, toolTokens = 0 }: MarketTask,
  { pool }: Pick<TaskTerms, "pool">,
  {
    textBytes,
    shownBytes,
  }: { readonly textBytes: Readonly<Record<AgentId, number>>; readonly shownBytes: number },
): Map<AgentId, CallHolds> {
  const { maxOutputTokens = Infinity } = limits ?? {};
  // A token for a byte: what else stands in the prompt.
  const beside = attempt * MAX_SHOWN_ATTEMPT_BYTES + toolTokens;
  return new Map(
    pool.map((agent) => {
      const shown = shownBytesTo(agent, shownBytes);
      const call = { textBytes: (textBytes[agent.id] ?? 0) + beside + shown, maxOutputTokens };
      return [agent.id, { firstMicros: firstCallHold(agent, call), wrapUpMicros: wrapUpHold(agent, call) }];
    }),
  );
}
