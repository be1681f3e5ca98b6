/**
 * Later attempts in the market room: from a verifier's fail (`market/escalation.ts`), or from an agent that cannot go on
 * (`market/takeover.ts`), to the award of the next.
 *
 * What a task is sold from again is kept with it from its first award to its end. Called inside the market room's
 * transactions: the attempt that ended is settled, and the next one awarded, in the one that hears of its end.
 */
import type { Award, SaleRecord } from "../market/award.ts";
import type { Clearing } from "../market/clear.ts";
import { failureOf, standingsLeft } from "../market/escalation.ts";
import type { AgentId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { EndReport } from "../market/report.ts";
import type { Forecast } from "../market/sale/forecast.ts";
import { sell, standingsOf, type SaleTerms } from "../market/sale/sale.ts";
import { MAX_TAKEOVERS, restOf, takeoverReasonOf } from "../market/takeover.ts";
import { holdForAttempt } from "./hold-for-attempt.ts";
import type { MarketDesk } from "./market-desk.ts";
import type { ClearRequest } from "./market-room-api.ts";
import { textBytesOf, type Sales } from "./sales.ts";
import { beganAtMs, type MarketEscalation, type MarketTask, type TaskTerms } from "./task-store.ts";

/** The next attempt of a task, with its trace held. */
export interface NextAttempt {
  readonly task: MarketTask;
  readonly terms: TaskTerms;
  readonly clearing: Clearing;
  readonly agentId: AgentId;
  readonly sale: SaleRecord;
  /** It goes on with the steps of the attempt that ended. */
  readonly continues: boolean;
  /** What all calls of the task may cost from now on. */
  readonly allowanceMicros: Micros;
}

export class Escalations {
  readonly #desk: MarketDesk;
  readonly #sales: Sales;

  constructor(desk: MarketDesk, sales: Sales) {
    this.#desk = desk;
    this.#sales = sales;
  }

  /** The task whose auction has cleared, with what it is sold from again where there is anybody else. */
  opened(
    task: MarketTask,
    terms: Pick<TaskTerms, "policy" | "pool">,
    cleared: { readonly clearing: Clearing; readonly request: Pick<ClearRequest, "bids" | "task"> },
  ): MarketTask {
    const { clearing, request } = cleared;
    if (task.quote != null || standingsOf(clearing).length < 2) return task;
    const { maxAttempts = 1 } = (task.verifier === null ? undefined : terms.policy.escalation) ?? {};
    const textBytes = textBytesOf(terms, request);
    return { ...task, escalation: { maxAttempts, clearing, textBytes, tried: [], latest: null } };
  }

  /** Null: the task ends as the reported attempt did, and nothing has changed. */
  next(task: MarketTask, report: EndReport): NextAttempt | null {
    const { escalation } = task;
    const way = escalation == null ? null : this.#wayOn(task, escalation, report);
    if (escalation == null || way === null) return null;
    const continues = way === "takeover";
    const { clearing, tried } = escalation;
    const left = standingsLeft(clearing, tried);
    if (left.length === 0) return null;
    const terms = this.#desk.store.tasks.terms(task.taskId);
    const shownBytes = continues ? (report.contextBytes ?? 0) : 0;
    const whole = this.#sales.termsAfter(task, terms, { textBytes: escalation.textBytes ?? {}, shownBytes });
    const saleTerms = continues ? ofTheRest(whole) : whole;
    const sold = sell(left, saleTerms);
    if (!sold.ok) return null;
    const { standing, passedOver } = sold.value;
    const { agentId, round } = standing;
    const agent = terms.pool.find(({ id }) => id === agentId);
    if (agent === undefined) throw new Error("the clearing names no agent of the pool");
    if (holdForAttempt(this.#desk, task.taskId, mustForecast(saleTerms, agentId)) !== null) return null;
    // The attempt that ended gives its place back before the next one asks for its own.
    const between: MarketTask = { ...task, state: "verifying" };
    this.#desk.store.tasks.put(between);
    const sale: SaleRecord = { round, chosenBy: "market", passedOver };
    const allowanceMicros = this.#desk.allowance(task.taskId);
    return { task: between, terms, clearing, agentId, sale, continues, allowanceMicros };
  }

  /**
   * An attempt before the latest was reported again: its room has not taken the award that answers it. Where that is not
   * on its way, a room of the version before has passed it over, and a stop that followed it.
   */
  tellAgain(task: MarketTask): void {
    const { taskId, attempt, agentId, escalation, heldBackSinceMs = null } = task;
    if (escalation?.latest == null || agentId === null || !this.#desk.outbox.isEmpty(taskId)) return;
    const { clearing, latest } = escalation;
    const allowanceMicros = this.#desk.allowance(taskId);
    const waits = heldBackSinceMs !== null;
    const award = { attempt, agentId, clearing, ...latest, allowanceMicros, waits, tail: null };
    this.#desk.owe(task, { kind: "award", award });
    if (task.stopping) this.#desk.owe(task, { kind: "stop", end: { state: "cancelled" } });
  }

  /** Which of the two the report leads to, as far as it and the task's own bounds say; null: neither. */
  #wayOn(
    task: MarketTask,
    escalation: MarketEscalation,
    report: EndReport,
  ): "escalation" | "takeover" | null {
    if (report.mayGoOn !== true || task.stopping || report.attempt !== task.attempt) return null;
    const { deadlineS = Infinity } = task.limits ?? {};
    if (this.#desk.now() >= beganAtMs(task) + deadlineS * 1_000) return null;
    const { maxAttempts, tried, takeovers = 0 } = escalation;
    if (takeoverReasonOf(report) !== null) return takeovers < MAX_TAKEOVERS ? "takeover" : null;
    if (failureOf(report) === null) return null;
    return tried.length - takeovers < maxAttempts ? "escalation" : null;
  }
}

function ofTheRest(terms: SaleTerms): SaleTerms {
  const forecasts = new Map([...terms.forecasts].map(([agentId, forecast]) => [agentId, restOf(forecast)]));
  return { ...terms, forecasts };
}

function mustForecast({ forecasts }: SaleTerms, agentId: AgentId): Forecast {
  const forecast = forecasts.get(agentId);
  if (forecast === undefined) throw new Error(`no forecast of ${agentId}`);
  return forecast;
}

/** The task's next state once its agent was awarded an attempt: nobody is sold it twice. */
export function withTried(
  task: MarketTask,
  award: Pick<Award, "agentId" | "sale" | "awardedAtMs" | "continues">,
): MarketTask {
  const { agentId, sale = null, awardedAtMs, continues = false } = award;
  const { escalation } = task;
  if (escalation == null) return task;
  const { takeovers: before = 0 } = escalation;
  const takeovers = before + Number(continues);
  const latest = { sale, awardedAtMs, ...(continues && { continues }) };
  const tried = [...escalation.tried, agentId];
  return { ...task, escalation: { ...escalation, tried, latest, ...(takeovers > 0 && { takeovers }) } };
}
