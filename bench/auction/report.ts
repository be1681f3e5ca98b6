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
      open: part("open"),
      bids: part("bids"),
      verdicts: part("verdicts"),
      refine: part("refine"),
      clear: part("clear"),
    },
    maxInFlight: Math.max(0, ...auctions.map((times) => times.maxInFlight)),
    failedCalls: auctions.reduce((sum, times) => sum + times.failedCalls, 0),
    goalP50Ms: arm.connections === null ? (GOAL_P50_MS.get(arm.wanted) ?? null) : null,
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
    right("connections"),
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
    arm.connections === null ? "free" : String(arm.connections),
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
    "Auctions, ms: wall time less the critical path (slowest bid + slowest verdict, twice where refined)",
    ...textTable(columns, rows),
    "p50, p99: less the calls as the Worker measured them; over provider: p50 less the calls as the provider did,",
    "so that waiting for a connection and the Worker's own work on a call count too.",
  ];
}

export function partLines(arms: readonly ArmFigures[]): string[] {
  const titles = ["open", "bids", "verdicts", "refine", "clear", "calls out after"];
  const columns: Column[] = [
    right("agents"),
    { title: "policy" },
    right("connections"),
    ...titles.map(right),
  ];
  const rows = arms.map(({ agents, policy, connections, parts, fanOutP50Ms }) => [
    String(agents),
    policy,
    connections === null ? "free" : String(connections),
    ...[parts.open, parts.bids, parts.verdicts, parts.refine, parts.clear, fanOutP50Ms].map(ms),
  ]);
  return ["Where it goes, ms, medians of each part", ...textTable(columns, rows)];
}

export function rateLines({ tenants: rates, alone, aloneRoomOnly }: MarketRates): string[] {
  const columns = [
    "tenants",
    "tasks/s",
    "bare/s",
    "of bare",
    "of one bare",
    "room only/s",
    "of bare",
    "new objects/s",
    "renewals/s",
  ].map(right);
  const rows = rates.map(({ tenants, perSecond, ofBare, ofOneBare, roomOnlyOfBare }) => [
    String(tenants),
    perSecond.market.toFixed(0),
    perSecond.bare.toFixed(0),
    ofBare.toFixed(3),
    ofOneBare.toFixed(3),
    perSecond.roomOnly.toFixed(0),
    roomOnlyOfBare.toFixed(3),
    perSecond.fresh.toFixed(0),
    perSecond.renew.toFixed(0),
  ]);
  const goals = rates.map(({ tenants, ofBare }) => `${tenants}: ${verdict(ofBare >= GOAL_OF_BARE)}`);
  return [
    "Tasks per second through the market room (admit + clear + end by RPC, with what it tells the tasks' rooms)",
    ...textTable([...columns, { title: "" }], rows),
    `goal: at least ${GOAL_OF_BARE} of the bare rate; tenants ${goals.join(", ")}`,
    "room only: the same tasks where their rooms do nothing; the goal is judged by the whole.",
    "bare: one insert in a transaction of as many objects; new objects: the same, in a new object each time.",
    `one client alone, ms: ${aloneText(alone)}`,
    `the same, room only: ${aloneText(aloneRoomOnly)}`,
    "renewals: the market room's smallest call, which writes nothing here. Medians of alternating rounds.",
  ];
}

function aloneText({ admit, clear, end, bare, fresh }: Alone): string {
  const market = `admit ${tenths(admit)}, clear ${tenths(clear)}, end ${tenths(end)}`;
  return `${market}; bare ${tenths(bare)}, in a new object ${tenths(fresh)}`;
}
