/** The figures as text and as JSON. Pure. */
import { textTable, type Column } from "../../emulators/demo/text-table.ts";
import type { AuctionParts, AuctionTimes } from "./auction-times.ts";
import type { Alone, MarketRates } from "./market-rate.ts";
import type { ArmTimes } from "./run-auctions.ts";
import { median, quantile } from "./statistics.ts";

/** Goals of issue B. */
const GOAL_P50_MS: ReadonlyMap<number, number> = new Map([
  [4, 10],
  [32, 25],
]);
const GOAL_OF_BARE = 0.25;

export interface ArmFigures extends Omit<ArmTimes, "auctions"> {
  readonly auctions: number;
  readonly refined: number;
  /** Wall time less the slowest calls as the Worker measured them, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Wall time less the slowest calls as the provider measured them, ms. */
  readonly overProviderP50Ms: number;
  readonly wallP50Ms: number;
  readonly fanOutP50Ms: number;
  readonly parts: AuctionParts;
  readonly maxInFlight: number;
  readonly failedCalls: number;
  readonly goalP50Ms: number | null;
}

export function armFigures({ auctions, ...arm }: ArmTimes): ArmFigures {
  const middle = (value: (times: AuctionTimes) => number | null) =>
    median(auctions.map(value).filter((ms) => ms !== null));
  const overheads = auctions.map((times) => times.overheadMs);
  const part = (name: keyof AuctionParts) => middle((times) => times.parts[name]);
  return {
    ...arm,
    auctions: auctions.length,
    refined: auctions.filter((times) => times.refined).length,
    p50Ms: median(overheads),
    p99Ms: quantile(overheads, 0.99),
    overProviderP50Ms: middle((times) => times.overProviderMs),
    wallP50Ms: middle((times) => times.wallMs),
    fanOutP50Ms: middle((times) => times.fanOutMs),
    parts: {
      bids: part("bids"),
      verdicts: part("verdicts"),
      refine: part("refine"),
      clear: part("clear"),
    },
    maxInFlight: Math.max(0, ...auctions.map((times) => times.maxInFlight)),
    failedCalls: auctions.reduce((sum, times) => sum + times.failedCalls, 0),
    goalP50Ms: GOAL_P50_MS.get(arm.wanted) ?? null,
  };
}

const ms = (value: number) => (Number.isNaN(value) ? "–" : value.toFixed(0));
const tenths = (value: number) => value.toFixed(1);
const right = (title: string): Column => ({ title, align: "right" });
const verdict = (met: boolean) => (met ? "met" : "MISSED");

export function auctionLines(arms: readonly ArmFigures[]): string[] {
  const columns: Column[] = [
    right("agents"),
    { title: "policy" },
    right("auctions"),
    right("refined"),
    right("in flight"),
    right("wall p50"),
    right("p50"),
    right("p99"),
    right("over provider"),
    { title: "goal for p50" },
  ];
  const rows = arms.map((arm) => [
    arm.agents === arm.wanted ? String(arm.agents) : `${arm.agents} (${arm.wanted} refused)`,
    arm.policy,
    String(arm.auctions),
    String(arm.refined),
    String(arm.maxInFlight),
    ms(arm.wallP50Ms),
    ms(arm.p50Ms),
    ms(arm.p99Ms),
    ms(arm.overProviderP50Ms),
    arm.goalP50Ms === null ? "" : `≤ ${arm.goalP50Ms}: ${verdict(arm.p50Ms <= arm.goalP50Ms)}`,
  ]);
  return [
    "Auctions, ms: wall time less the critical path (slowest bid + slowest verdict, twice where refined);",
    "at most six connections of an invocation wait for headers, as on the platform",
    ...textTable(columns, rows),
    "p50, p99: less the calls as the Worker measured them; over provider: p50 less the calls as the provider did,",
    "so that waiting for a connection and the Worker's own work on a call count too.",
  ];
}

export function partLines(arms: readonly ArmFigures[]): string[] {
  const titles = ["bids", "verdicts", "refine", "clear", "calls out after"];
  const columns: Column[] = [right("agents"), { title: "policy" }, ...titles.map(right)];
  const rows = arms.map(({ agents, policy, parts, fanOutP50Ms }) => [
    String(agents),
    policy,
    ...[parts.bids, parts.verdicts, parts.refine, parts.clear, fanOutP50Ms].map(ms),
  ]);
  return ["Where it goes, ms, medians of each part", ...textTable(columns, rows)];
}

export function rateLines({ tenants: rates, alone, aloneWhole }: MarketRates): string[] {
  const columns = [
    "tenants",
    "market/s",
    "bare/s",
    "of bare",
    "renewals/s",
    "whole tasks/s",
    "of bare",
    "new objects/s",
    "of new objects",
  ].map(right);
  const rows = rates.map(({ tenants, perSecond, ofBare, wholeOfBare, wholeOfFresh }) => [
    String(tenants),
    perSecond.market.toFixed(0),
    perSecond.bare.toFixed(0),
    ofBare.toFixed(3),
    perSecond.renew.toFixed(0),
    perSecond.task.toFixed(0),
    wholeOfBare.toFixed(3),
    perSecond.fresh.toFixed(0),
    wholeOfFresh.toFixed(3),
  ]);
  const goals = rates.map(({ tenants, ofBare }) => `${tenants}: ${verdict(ofBare >= GOAL_OF_BARE)}`);
  return [
    "Admit + clear + settle per second of the market room, by RPC: three transactions, and what they tell others",
    ...textTable([...columns, { title: "" }], rows),
    `goal: at least ${GOAL_OF_BARE} of the bare rate; tenants ${goals.join(", ")}`,
    "bare: one insert in a transaction of as many objects; renewals: the room's smallest call, which writes nothing here.",
    "whole tasks: the same with each task's own room made, opened and awarded, and the history written to D1;",
    "new objects: one insert in a new object each time, which every whole task costs besides. Medians of alternating rounds.",
    `one client alone, ms: ${aloneText(alone)}`,
    `the same, whole tasks: ${aloneText(aloneWhole)}`,
  ];
}

function aloneText({ admit, clear, end, bare, fresh }: Alone): string {
  const market = `admit ${tenths(admit)}, clear ${tenths(clear)}, end ${tenths(end)}`;
  return `${market}; bare ${tenths(bare)}, in a new object ${tenths(fresh)}`;
}
