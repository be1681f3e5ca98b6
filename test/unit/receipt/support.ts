/** Auctions as a task's room would have recorded them, built from a few drawn numbers, and their receipts. */
import fc from "fast-check";
import { drawBallots, type ValidBid } from "../../../src/auction/jury.ts";
import {
  clearingRecord,
  type BidRecord,
  type Opening,
  type RefinementRecord,
  type Round,
  type VerdictRecord,
} from "../../../src/market/auction-record.ts";
import { clearAuction, eligibleToRefine, rankFirstRound } from "../../../src/market/clear.ts";
import { drawNumber } from "../../../src/market/draw.ts";
import type { AuctionId } from "../../../src/market/ids.ts";
import type { Policy, PolicyRules } from "../../../src/market/policy.ts";
import { makeReceipt, type Decided } from "../../../src/market/receipt.ts";
import type { Receipt } from "../../../src/market/receipt-schema.ts";
import {
  aBid,
  agentId,
  aLostJuror,
  anAbstention,
  anOpening,
  aPolicy,
  aPool,
  aVerdict,
} from "../../support/builders.ts";

export interface Draw {
  readonly policy: string;
  readonly seed: number;
  /** Chance that an agent abstains, that a juror leaves, that a bid has no entropy. */
  readonly failing: number;
  readonly refine: boolean;
}

const POLICIES = [
  "sale",
  "sale-no-memory",
  "sale-no-entropy",
  "sale-no-self",
  "sale-single-juror",
  "sale-no-jury",
  "sale-pointwise",
  "cheapest",
  "random",
  "always:agt_small",
  "sale:size=2",
  "sale:size=3,self=off",
  "sale:jury=pointwise,size=2,entropy=off,memory=off,weights=default",
  "static-mix:agt_small=7,agt_large=3",
  "calibration",
];

/** A task that was carried out before. */
const past = anOpening();

/** Rules that no name stands for. */
const CALIBRATION: PolicyRules = {
  kind: "calibration",
  agentId: agentId("small"),
  calibrates: { taskId: past.taskId, auctionId: past.auctionId },
  strategy: "Read, work, check.",
};

function drawnPolicy(name: string, pool: Opening["pool"]): Policy {
  if (name !== CALIBRATION.kind) return aPolicy(name, { pool });
  return { ...aPolicy("random", { pool }), name, rules: CALIBRATION };
}

export const draws: fc.Arbitrary<Draw> = fc.record({
  policy: fc.constantFrom(...POLICIES),
  seed: fc.nat({ max: 2 ** 31 - 1 }),
  failing: fc.constantFrom(0, 0, 0.3, 1),
  refine: fc.boolean(),
});

/** A receipt as it arrives at its reader: through JSON. */
export function aReceipt(draw: Partial<Draw> = {}): Receipt {
  return JSON.parse(JSON.stringify(makeReceipt(anAuction(draw)))) as Receipt;
}

export function anAuction(draw: Partial<Draw> = {}): Parameters<typeof makeReceipt>[0] {
  const { policy = "sale", seed = 7, failing = 0, refine = true } = draw;
  const pool = aPool();
  const opening = anOpening({ pool, seed, policy: { ...drawnPolicy(policy, pool), version: 3 } });
  const { rules } = opening.policy;
  const number = (purpose: string) => drawNumber(seed, `test/${purpose}`);
  const fails = (purpose: string) => number(`fails/${purpose}`) < failing;
  let bids: BidRecord[] = [];
  let verdicts: VerdictRecord[] = [];
  let refinements: RefinementRecord[] | null = null;
  if (rules.kind === "auction") {
    bids = opening.pool.map((agent) => drawnBid(agent.id, 1, number, fails));
    verdicts = drawnVerdicts(opening, 1, bids, { number, fails });
    const first = rankFirstRound(clearingRecord(opening, { bids, verdicts }));
    const holder = first.ok ? first.value.ranking[0] : undefined;
    if (first.ok && holder !== undefined) {
      const asked = refine && rules.memory ? eligibleToRefine(first.value) : [];
      refinements = asked.map((id) => aRefinement(id));
      const refined = asked.map((id) => drawnBid(id, 2, number, fails));
      const held = bids.filter((bid) => bid.agentId === holder.agentId);
      if (refined.length > 0) {
        verdicts = [...verdicts, ...drawnVerdicts(opening, 2, [...held, ...refined], { number, fails })];
      }
      bids = [...bids, ...refined];
    }
  }
  const cleared = clearAuction(clearingRecord(opening, { bids, verdicts }));
  const awardedAtMs = opening.admittedAtMs + 900;
  const decided: Decided = cleared.ok
    ? { kind: "award", award: { agentId: cleared.value.winner, clearing: cleared.value, awardedAtMs } }
    : { kind: "no-bids" };
  return { opening, bids, verdicts, refinements, decided };
}

type Id = ReturnType<typeof agentId>;
type Numbers = (purpose: string) => number;
type Fails = (purpose: string) => boolean;

function drawnBid(id: Id, round: Round, number: Numbers, fails: Fails): BidRecord {
  if (fails(`bid/${round}/${id}`)) return anAbstention({ agentId: id, round });
  const entropy = fails(`entropy/${round}/${id}`) ? null : 0.1 + number(`entropy/${round}/${id}`);
  return aBid({
    agentId: id,
    round,
    strategy: `Round ${round}: read, work, check. I am ${id}.`,
    visibleTokens: 50 + Math.floor(500 * number(`tokens/${round}/${id}`)),
    entropy,
    entropyTopK: entropy === null ? null : 5,
  });
}

function drawnVerdicts(
  opening: Opening,
  round: Round,
  bids: readonly BidRecord[],
  { number, fails }: { readonly number: Numbers; readonly fails: Fails },
): VerdictRecord[] {
  const valid = bids.filter((bid): bid is ValidBid => bid.status === "valid");
  return drawBallots(opening, round, valid).map(({ juror, entries }) =>
    fails(`juror/${round}/${juror.id}`)
      ? aLostJuror({ jurorId: juror.id, round })
      : aVerdict({
          jurorId: juror.id,
          round,
          scores: Object.fromEntries(
            entries.map(({ bid }) => [
              bid.agentId,
              Math.floor(6 * number(`score/${round}/${juror.id}/${bid.agentId}`)),
            ]),
          ),
        }),
  );
}

export function aRefinement(id: Id): RefinementRecord {
  return {
    agentId: id,
    pairs: [
      {
        auctionId: "auc_01k8z0000000000000000000aa" as AuctionId,
        task: "An earlier task.",
        similarity: 0.8,
        losing: { agentId: id, strategy: "Guess." },
        winning: { agentId: agentId("large"), strategy: "Work it out." },
        outcome: "pass",
      },
    ],
  };
}

/** The path of a value within another: keys from the outside in. */
export type Path = readonly (string | number)[];

/** Paths of all leaves (and of empty lists and objects, which have none). */
export function leavesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([name, member]) => leavesOf(member, [...path, name]));
}

/** A copy with the leaf at a path replaced by another value of its kind. */
export function tampered<T>(value: T, path: Path): T {
  const copy = structuredClone(value);
  let parent = copy as Record<string | number, unknown>;
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  parent[last] = other(parent[last]);
  return copy;
}

function other(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value !== "string") return 1;
  if (value.startsWith("agt_")) return value === "agt_tiny" ? "agt_small" : "agt_tiny";
  return /^(?:tsk|ten|auc|bid)_/.test(value)
    ? `${value.slice(0, -1)}${value.endsWith("0") ? "1" : "0"}`
    : `${value}x`;
}
