/** Tasks per second through market rooms, beside bare transactions of as many objects: alternating, in one process. */
import { newId, type Source } from "../../src/market/ids.ts";
import type { DriverRequest } from "./driver-worker.ts";
import type { RateStack } from "./rate-stack.ts";
import { median } from "./statistics.ts";

export const TENANTS: readonly number[] = [1, 4, 16, 64];
/** Clients at a time, shared among the tenants. */
const CLIENTS = 64;

/** `market`: of the market room's own stack; the rest of the whole one. */
type Rates = Record<Exclude<DriverRequest["work"], "set-up">, number>;

/** Two stacks of the same code; only one of them is driven at a time. */
export interface RateStacks {
  /** Saleroom as it stands. */
  readonly whole: RateStack;
  /** Its market rooms with nothing behind them. */
  readonly market: RateStack;
}

export interface TenantRates {
  readonly tenants: number;
  /** Medians, per second. */
  readonly perSecond: Rates;
  /** Median of the rounds' ratios of the market room's tasks to bare transactions of as many objects. */
  readonly ofBare: number;
  /** Of whole tasks, their rooms made and the history written, to the same. */
  readonly wholeOfBare: number;
  /** Of whole tasks to bare transactions in a new object each: what every task costs at least. */
  readonly wholeOfFresh: number;
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
  /** What one client alone waits for, on average, ms: the market room's own stack. */
  readonly alone: Alone;
  /** The same in the whole stack. */
  readonly aloneWhole: Alone;
}

export async function measureRates({ whole, market }: RateStacks, bench: RateBench): Promise<MarketRates> {
  const source: Source = { now: () => Date.now(), random: () => Math.random() };
  const tenants = Array.from({ length: Math.max(...TENANTS) }, () => newId("ten", source));
  const { durationMs } = bench;
  const measure = async (work: DriverRequest["work"], objects: readonly string[], on = whole) => {
    const { count, ms } = await on.drive({ work, objects, clients: CLIENTS, durationMs });
    return (count * 1_000) / ms;
  };
  for (const on of [whole, market]) {
    await on.drive({ work: "set-up", objects: tenants, clients: tenants.length, durationMs: 0 });
  }
  await measure("task", tenants);
  await measure("market", tenants, market);
  await measure("bare", tenants, market);

  const rounds = new Map<number, Rates[]>();
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const count of TENANTS) {
      const objects = tenants.slice(0, count);
      const rates: Rates = {
        bare: await measure("bare", objects, market),
        market: await measure("market", objects, market),
        renew: await measure("renew", objects, market),
        task: await measure("task", objects),
        fresh: await measure("fresh", objects),
      };
      rounds.set(count, [...(rounds.get(count) ?? []), rates]);
    }
    bench.progress(`rates: round ${round + 1} of ${bench.rounds}`);
  }
  const one = tenants.slice(0, 1);
  return {
    tenants: [...rounds].map(summarise),
    alone: await measureAlone(market, "market", { objects: one, durationMs }),
    aloneWhole: await measureAlone(whole, "task", { objects: one, durationMs }),
  };
}

async function measureAlone(
  stack: RateStack,
  work: "market" | "task",
  { objects, durationMs }: Pick<DriverRequest, "objects" | "durationMs">,
): Promise<Alone> {
  const drive = (what: DriverRequest["work"]) => stack.drive({ work: what, objects, clients: 1, durationMs });
  const bare = await drive("bare");
  const fresh = await drive("fresh");
  const { count, waited } = await drive(work);
  return {
    admit: waited.admit / count,
    clear: waited.clear / count,
    end: waited.end / count,
    bare: bare.ms / bare.count,
    fresh: fresh.ms / fresh.count,
  };
}

function summarise([count, rounds]: readonly [number, readonly Rates[]]): TenantRates {
  const of = (work: keyof Rates) => median(rounds.map((rates) => rates[work]));
  return {
    tenants: count,
    perSecond: {
      market: of("market"),
      task: of("task"),
      renew: of("renew"),
      bare: of("bare"),
      fresh: of("fresh"),
    },
    ofBare: median(rounds.map((rates) => rates.market / rates.bare)),
    wholeOfBare: median(rounds.map((rates) => rates.task / rates.bare)),
    wholeOfFresh: median(rounds.map((rates) => rates.task / rates.fresh)),
    rounds,
  };
}
