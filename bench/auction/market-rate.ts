/** Tasks per second through market rooms, beside bare transactions of as many objects: alternating, in one process. */
import { newId, type Source } from "../../src/market/ids.ts";
import type { DriverRequest } from "./driver-worker.ts";
import type { RateStack } from "./rate-stack.ts";
import { median } from "./statistics.ts";

export const TENANTS: readonly number[] = [1, 4, 16, 64];
/** Clients at a time, shared among the tenants. */
const CLIENTS = 64;

/** `roomOnly`: the market's cycle where the tasks' rooms do nothing. */
type Rates = Record<Exclude<DriverRequest["work"], "set-up"> | "roomOnly", number>;

/** Two stacks of the same code; only one of them is driven at a time. */
export interface RateStacks {
  readonly real: RateStack;
  readonly silent: RateStack;
}

export interface TenantRates {
  readonly tenants: number;
  /** Medians, per second. */
  readonly perSecond: Rates;
  /** Median of the rounds' ratios of tasks to bare transactions of as many objects. */
  readonly ofBare: number;
  readonly roomOnlyOfBare: number;
  /** The same to bare transactions of one object. */
  readonly ofOneBare: number;
  readonly rounds: readonly Rates[];
}

export interface RateBench {
  readonly rounds: number;
  readonly durationMs: number;
  progress(line: string): void;
}

export type Alone = Record<"admit" | "clear" | "end" | "bare" | "fresh", number>;

export interface MarketRates {
  readonly tenants: readonly TenantRates[];
  /** What one client alone waits for, on average, ms. */
  readonly alone: Alone;
  /** The same where the tasks' rooms do nothing. */
  readonly aloneRoomOnly: Alone;
}

export async function measureRates(
  { real: stack, silent }: RateStacks,
  bench: RateBench,
): Promise<MarketRates> {
  const source: Source = { now: () => Date.now(), random: () => Math.random() };
  const tenants = Array.from({ length: Math.max(...TENANTS) }, () => newId("ten", source));
  const { durationMs } = bench;
  const measure = async (work: DriverRequest["work"], objects: readonly string[], on = stack) => {
    const { count, ms } = await on.drive({ work, objects, clients: CLIENTS, durationMs });
    return (count * 1_000) / ms;
  };
  for (const on of [stack, silent]) {
    await on.drive({ work: "set-up", objects: tenants, clients: tenants.length, durationMs: 0 });
    await measure("market", tenants, on);
  }
  await measure("bare", tenants);

  const rounds = new Map<number, { readonly rates: Rates; readonly oneBare: number }[]>();
  for (let round = 0; round < bench.rounds; round += 1) {
    let oneBare = Number.NaN;
    for (const count of TENANTS) {
      const objects = tenants.slice(0, count);
      const bare = await measure("bare", objects);
      if (count === 1) oneBare = bare;
      const market = await measure("market", objects);
      const roomOnly = await measure("market", objects, silent);
      const renew = await measure("renew", objects);
      const fresh = await measure("fresh", objects);
      rounds.set(count, [
        ...(rounds.get(count) ?? []),
        { rates: { market, roomOnly, renew, bare, fresh }, oneBare },
      ]);
    }
    bench.progress(`rates: round ${round + 1} of ${bench.rounds}`);
  }
  const alone = await measureAlone(stack, tenants.slice(0, 1), durationMs);
  const aloneRoomOnly = await measureAlone(silent, tenants.slice(0, 1), durationMs);
  return { tenants: [...rounds].map(summarise), alone, aloneRoomOnly };
}

async function measureAlone(
  stack: RateStack,
  objects: readonly string[],
  durationMs: number,
): Promise<Alone> {
  const drive = (work: DriverRequest["work"]) => stack.drive({ work, objects, clients: 1, durationMs });
  const bare = await drive("bare");
  const fresh = await drive("fresh");
  const { count, waited } = await drive("market");
  return {
    admit: waited.admit / count,
    clear: waited.clear / count,
    end: waited.end / count,
    bare: bare.ms / bare.count,
    fresh: fresh.ms / fresh.count,
  };
}

type Measured = readonly { readonly rates: Rates; readonly oneBare: number }[];

function summarise([count, measured]: readonly [number, Measured]): TenantRates {
  const of = (work: keyof Rates) => median(measured.map(({ rates }) => rates[work]));
  return {
    tenants: count,
    perSecond: {
      market: of("market"),
      roomOnly: of("roomOnly"),
      renew: of("renew"),
      bare: of("bare"),
      fresh: of("fresh"),
    },
    ofBare: median(measured.map(({ rates }) => rates.market / rates.bare)),
    roomOnlyOfBare: median(measured.map(({ rates }) => rates.roomOnly / rates.bare)),
    ofOneBare: median(measured.map(({ rates, oneBare }) => rates.market / oneBare)),
    rounds: measured.map(({ rates }) => rates),
  };
}
