/**
 * What an agent's next trace is expected to take, from the tenant's own traces of it. Pure.
 *
 * Costs, times and steps of traces are spread over orders of magnitude, so their logarithms are averaged. Of costs there
 * is always a forecast: as long as the tenant's history is short, by the agent's price. Of the rest, none without history.
 */
import type { Agent } from "../agent.ts";
import { expectedTraceCost, traceHold, type TraceCosts } from "../ledger/trace-hold.ts";
import { asMicros, ZERO_MICROS, type Micros } from "../money.ts";

/** The tenant's earlier traces of an agent, summed. */
export interface TraceHistory extends TraceCosts {
  /** Traces whose logarithms are in the sums below: those from before they were kept are in `runs` alone. */
  readonly logged: number;
  /** Σ ln of each trace's cost in micro-USD, and of its square. */
  readonly lnMicros: number;
  readonly lnMicrosSquared: number;
  /** Σ ln of milliseconds from award to end. */
  readonly lnMs: number;
  /** Σ ln of steps. */
  readonly lnSteps: number;
  /** Tasks that a verifier decided. */
  readonly passes: number;
  readonly fails: number;
}

export const NO_TRACES: TraceHistory = {
  runs: 0,
  micros: asMicros(0),
  logged: 0,
  lnMicros: 0,
  lnMicrosSquared: 0,
  lnMs: 0,
  lnSteps: 0,
  passes: 0,
  fails: 0,
};

export interface Forecast {
  /** Mean. */
  readonly costMicros: Micros;
  /** Between which four of five traces are expected to end. */
  readonly lowMicros: Micros;
  readonly highMicros: Micros;
  /** As many cost more as cost less. */
  readonly medianMicros: Micros;
  /** What it must be able to cost to begin: its first call, as that is held. */
  readonly leastMicros: Micros;
  /** What a trace is held at, and may cost at most where its bid is accepted by a quote. */
  readonly capMicros: Micros;
  /** From award to end; null: too few traces. */
  readonly medianMs: number | null;
  readonly medianSteps: number | null;
  /** Chance of a pass by a verifier, 0 to 1; null: no verifier has decided a task of this agent. */
  readonly passChance: number | null;
  /** Traces that the forecast rests on, and those that were verified. */
  readonly traces: number;
  readonly verified: number;
}

/** Ours: spread of ln(cost) that an agent without history is taken to have, and for how many traces that counts. */
const FIRST_SPREAD = 1.2;
const SPREAD_WEIGHT = 2;
/** Quantile of the normal distribution above which a tenth lies. */
const TENTH = 1.281_551_565_5;
/** Times and steps of fewer traces say nothing. */
const MIN_TRACES = 3;

/** What calls of the trace are held at. */
export interface CallHolds {
  readonly firstMicros: Micros;
  /** Kept back behind each of them. */
  readonly wrapUpMicros: Micros;
}

const NO_HOLDS: CallHolds = { firstMicros: ZERO_MICROS, wrapUpMicros: ZERO_MICROS };

export function forecastOf(
  agent: Pick<Agent, "prices">,
  history: TraceHistory,
  { firstMicros, wrapUpMicros }: CallHolds = NO_HOLDS,
): Forecast {
  const costMicros = expectedTraceCost(agent, history);
  const { logged, passes, fails } = history;
  const variance = spreadOf(history);
  // Of a log-normal whose mean is the expected cost.
  const quantile = (z: number) =>
    asMicros(Math.ceil(costMicros * Math.exp(z * Math.sqrt(variance) - variance / 2)));
  const median = (sum: number) => (logged < MIN_TRACES ? null : Math.exp(sum / logged));
  const verified = passes + fails;
  return {
    costMicros,
    lowMicros: quantile(-TENTH),
    medianMicros: quantile(0),
    highMicros: quantile(TENTH),
    leastMicros: firstMicros,
    // Where traces are short, twice the expected may be less than any call is held at, with the wrap-up behind it.
    capMicros: asMicros(Math.max(traceHold(agent, history), costMicros + firstMicros + wrapUpMicros)),
    medianMs: roundUp(median(history.lnMs)),
    medianSteps: roundUp(median(history.lnSteps)),
    // Laplace's rule: a single pass is no certainty.
    passChance: verified === 0 ? null : (passes + 1) / (verified + 2),
    traces: history.runs,
    verified,
  };
}

/** Variance of ln(cost), drawn to the first spread while traces are few. */
function spreadOf({ logged, lnMicros, lnMicrosSquared }: TraceHistory): number {
  const squares = logged === 0 ? 0 : Math.max(0, lnMicrosSquared - lnMicros ** 2 / logged);
  return (SPREAD_WEIGHT * FIRST_SPREAD ** 2 + squares) / (SPREAD_WEIGHT + logged);
}

/** Sums of logarithms are off in their last digits: ten traces of ten steps are ten steps, and not eleven. */
function roundUp(value: number | null): number | null {
  return value === null ? null : Math.ceil(value * (1 - 1e-9));
}
