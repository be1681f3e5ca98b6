/** What is set aside for a trace when its agent wins. Pure. */
import type { Agent } from "../agent.ts";
import { asMicros, callCost, NO_USAGE, type Micros } from "../money.ts";
import { READ_BACK_BYTES, WRAP_UP_OUTPUT_TOKENS } from "../wrap-up.ts";

/** What the tenant's earlier traces of an agent came to. */
export interface TraceCosts {
  readonly runs: number;
  readonly micros: Micros;
}

/** Ours: a trace that nobody has seen yet is taken for one of this size, by its prompt counted again at every step. */
const FIRST_GUESS = { inputTokens: 100_000, outputTokens: 10_000 } as const;
/** Ours: how many traces the first guess counts for. */
const GUESS_WEIGHT = 2;
/** Times the expected cost: half of all traces cost more than expected, and few cost twice as much. */
export const TRACE_HOLD_MARGIN = 2;

/** Mean cost of a trace of this agent, by the tenant's own history and, as long as that is short, by its price. */
export function expectedTraceCost(agent: Pick<Agent, "prices">, { runs, micros }: TraceCosts): Micros {
  const guess = callCost(
    { ...FIRST_GUESS, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
    agent.prices,
  );
  return asMicros(Math.ceil((guess * GUESS_WEIGHT + micros) / (GUESS_WEIGHT + runs)));
}

/** The house's instructions and the tools of a first call, as its bound counts them. */
const FRAME_TOKENS = 6_000;

/** What a wrap-up adds to them beside the words of the step before it, as its bound counts it. */
const WRAP_UP_FRAME_TOKENS = 3_000;

/** The texts of a trace's first call, in bytes of UTF-8, and most output of a call. */
interface FirstCall {
  readonly textBytes: number;
  readonly maxOutputTokens: number;
}

type Caller = Pick<Agent, "prices" | "maxOutputTokens">;

/** What the first call of a trace is held at, and never less: with less to spend, a trace ends before it has begun. */
export function firstCallHold(agent: Caller, call: FirstCall): Micros {
  return holdOf(agent, FRAME_TOKENS + call.textBytes, outputOf(agent, call));
}

/** What is kept back for the wrap-up behind that call, and never less. */
export function wrapUpHold(agent: Caller, call: FirstCall): Micros {
  const outputTokens = outputOf(agent, call);
  const inputTokens = FRAME_TOKENS + WRAP_UP_FRAME_TOKENS + call.textBytes + READ_BACK_BYTES * outputTokens;
  return holdOf(agent, inputTokens, Math.min(outputTokens, WRAP_UP_OUTPUT_TOKENS));
}

function outputOf(agent: Caller, call: FirstCall): number {
  return Math.min(agent.maxOutputTokens, call.maxOutputTokens);
}

function holdOf({ prices }: Caller, inputTokens: number, outputTokens: number): Micros {
  const { inputMicrosPerMtok, cachedInputMicrosPerMtok, cacheWriteMicrosPerMtok } = prices;
  const dearestInput = Math.max(inputMicrosPerMtok, cachedInputMicrosPerMtok, cacheWriteMicrosPerMtok);
  return callCost(
    { ...NO_USAGE, inputTokens, outputTokens },
    { ...prices, inputMicrosPerMtok: dearestInput },
  );
}

/** The bid's own cap: expected cost with the margin. The trace asks for more, call by call, where it goes beyond. */
export function traceHold(agent: Pick<Agent, "prices">, costs: TraceCosts): Micros {
  return asMicros(TRACE_HOLD_MARGIN * expectedTraceCost(agent, costs));
}
