/** What is set aside for a trace when its agent wins. Pure. */
import type { Agent } from "../agent.ts";
import { asMicros, callCost, NO_USAGE, type Micros } from "../money.ts";

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

/** What the first call of a trace is held at, and never less: with less to spend, a trace ends before it has begun. */
export function firstCallHold(
  { prices, maxOutputTokens }: Pick<Agent, "prices" | "maxOutputTokens">,
  call: { readonly textBytes: number; readonly maxOutputTokens: number },
): Micros {
  const { inputMicrosPerMtok, cachedInputMicrosPerMtok, cacheWriteMicrosPerMtok } = prices;
  const dearestInput = Math.max(inputMicrosPerMtok, cachedInputMicrosPerMtok, cacheWriteMicrosPerMtok);
  return callCost(
    {
      ...NO_USAGE,
      inputTokens: FRAME_TOKENS + call.textBytes,
      outputTokens: Math.min(maxOutputTokens, call.maxOutputTokens),
    },
    { ...prices, inputMicrosPerMtok: dearestInput },
  );
}

/** The bid's own cap: expected cost with the margin. The trace asks for more, call by call, where it goes beyond. */
export function traceHold(agent: Pick<Agent, "prices">, costs: TraceCosts): Micros {
  return asMicros(TRACE_HOLD_MARGIN * expectedTraceCost(agent, costs));
}
