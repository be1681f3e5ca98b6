/**
 * What a recorded run must cost, worked out from its file alone.
 *
 * On purpose not `callCost` of the market: two computations that share their code always agree.
 */
import type { RecordedTrace } from "../../recorded/trace-schema.ts";
import type { RecordedPrice } from "./prices.ts";

/** Picodollars per micro-dollar: a USD-per-Mtok price is that many micro-dollars per million tokens. */
const PICO = 1_000_000n;

/** Micro-USD: per call, the exact sum of its lines rounded up once to the micro-dollar. */
export function expectedBillMicros(trace: RecordedTrace, { usdPerMtok }: RecordedPrice): number {
  let total = 0n;
  for (const { usage } of trace.steps) {
    const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
    const picodollars =
      BigInt(usage.prompt_tokens - cached) * picodollarsPerToken(usdPerMtok.input) +
      BigInt(cached) * picodollarsPerToken(usdPerMtok.cachedInput) +
      BigInt(usage.completion_tokens) * picodollarsPerToken(usdPerMtok.output);
    total += picodollars / PICO + (picodollars % PICO === 0n ? 0n : 1n);
  }
  return Number(total);
}

/** 1 USD per million tokens is a millionth of a dollar, or a million picodollars, per token. */
function picodollarsPerToken(usdPerMtok: number): bigint {
  return BigInt(Math.round(usdPerMtok * 1_000_000));
}
