/** Tasks per second through market rooms, beside bare transactions of as many objects: alternating, in one process. */
import { newId, type Source } from "../../src/market/ids.ts";
import type { DriverRequest } from "./driver-worker.ts";
import type { RateStack } from "./rate-stack.ts";
import { median } from "./statistics.ts";

export const TENANTS: readonly number[] = [1, 4, 16, 64];
/** Clients at a time, shared among the tenants. */
const CLIENTS = 64;

/** Measured in turns on one stack, `bare` among them. */
type Rates<Work extends DriverRequest["work"]> = Readonly<Record<Work | "bare", number>>;
type MarketWork = "market" | "renew";
type WholeWork = "task" | "fresh";

export interface TenantRates {
  readonly tenants: number;
  /** Medians, per second; `bare` of the market room's stack. */
  readonly perSecond: Readonly<Record<MarketWork | WholeWork | "bare", number>>;
  /** Median of the rounds' ratios of the market room's tasks to bare transactions of as many objects. */
  readonly ofBare: number;
  /** Of whole tasks, their rooms made and the history written, to the same. */
  readonly wholeOfBare: number;
  /** Of whole tasks to bare transactions in a new object each: what every task costs at least. */
  readonly wholeOfFresh: number;
  readonly rounds: {
    readonly market: readonly Rates<MarketWork>[];
    readonly whole: readonly Rates<WholeWork>[];
  };
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

/** One stack after the other: what the whole one still carries to its history would be measured with the other. */
export async function measureRates(start: StartStack, bench: RateBench): Promise<MarketRates> {
  const market = await measureStack(start, bench, {
    behind: "nothing",
    cycle: "market",
    works: ["market", "renew"],
  });
  const whole = await measureStack(start, bench, {
    behind: "everything",
    cycle: "task",
    works: ["task", "fresh"],
  });
  return {
    tenants: TENANTS.map((count) =>
      summarise(count, market.rounds.get(count) ?? [], whole.rounds.get(count) ?? []),
    ),
    alone: market.alone,
    aloneWhole: whole.alone,
  };
}

export type StartStack = (behind: "everything" | "nothing") => Promise<RateStack>;

interface Measured<Work extends DriverRequest["work"]> {
  readonly rounds: ReadonlyMap<number, readonly Rates<Work>[]>;
  readonly alone: Alone;
}

async function measureStack<Work extends MarketWork | WholeWork>(
  start: StartStack,
  bench: RateBench,
  of: {
    readonly behind: "everything" | "nothing";
    readonly cycle: "market" | "task";
    readonly works: readonly Work[];
  },
): Promise<Measured<Work>> {
  const stack = await start(of.behind);
  try {
    const source: Source = { now: () => Date.now(), random: () => Math.random() };
    const tenants = Array.from({ length: Math.max(...TENANTS) }, () => newId("ten", source));
    const { durationMs } = bench;
    const measure = async (work: DriverRequest["work"], objects: readonly string[]) => {
      const { count, ms } = await stack.drive({ work, objects, clients: CLIENTS, durationMs });
      return (count * 1_000) / ms;
    };
    await stack.drive({ work: "set-up", objects: tenants, clients: tenants.length, durationMs: 0 });
    for (const work of ["bare", of.cycle] as const) await measure(work, tenants);
    const rounds = new Map<number, Rates<Work>[]>();
    for (let round = 0; round < bench.rounds; round += 1) {
      for (const count of TENANTS) {
        const objects = tenants.slice(0, count);
        const rates: Partial<Record<Work | "bare", number>> = {};
        for (const work of ["bare", ...of.works] as const) rates[work] = await measure(work, objects);
        // SAFETY: every key was just set.
        rounds.set(count, [...(rounds.get(count) ?? []), rates as Rates<Work>]);
      }
      bench.progress(`rates, behind them ${of.behind}: round ${round + 1} of ${bench.rounds}`);
    }
    const alone = await measureAlone(stack, of.cycle, { objects: tenants.slice(0, 1), durationMs });
    return { rounds, alone };
  } finally {
    await stack.stop();
  }
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

function summarise(
  tenants: number,
  market: readonly Rates<MarketWork>[],
  whole: readonly Rates<WholeWork>[],
): TenantRates {
  return {
    tenants,
    perSecond: {
      market: median(market.map((rates) => rates.market)),
      renew: median(market.map((rates) => rates.renew)),
      bare: median(market.map((rates) => rates.bare)),
      task: median(whole.map((rates) => rates.task)),
      fresh: median(whole.map((rates) => rates.fresh)),
    },
    ofBare: median(market.map((rates) => rates.market / rates.bare)),
    wholeOfBare: median(whole.map((rates) => rates.task / rates.bare)),
    wholeOfFresh: median(whole.map((rates) => rates.task / rates.fresh)),
    rounds: { market, whole },
  };
}
