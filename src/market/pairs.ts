/**
 * Contrastive pairs: what a cheaper agent may learn from, out of the auctions that retrieval found (auction.md, steps 5
 * and 8, and "Ours", point 1).
 *
 * One pair per auction, at least one half of it the agent's own. A winner that was verified to fail is no example for
 * anybody, so its auction gives no pair at all. Pure; the order of the input is irrelevant.
 */
import type { AgentId } from "./ids.ts";
import type { ContrastivePair, MemoryEntry, RecalledEntry, RememberedStrategy } from "./memory.ts";
import { sharedWords, wordsOf } from "./words.ts";

/** Where the caller does not say; each is a past task and two strategies. */
export const DEFAULT_MAX_PAIRS = 3;

export interface PairOptions {
  readonly maxPairs?: number;
  /** A pair's task must be more similar than this, −1 to 1; default 0. */
  readonly similarityFloor?: number;
}

/** The agent's pairs, best first: verified passes, then the more similar task, then the auction's id. */
export function contrastivePairs(
  agentId: AgentId,
  recalled: readonly RecalledEntry[],
  options: PairOptions = {},
): ContrastivePair[] {
  const { maxPairs = DEFAULT_MAX_PAIRS, similarityFloor = 0 } = options;
  return newest(recalled)
    .filter(({ similarity }) => similarity > similarityFloor)
    .map((found) => pairOf(agentId, found))
    .filter((pair) => pair !== null)
    .toSorted(betterFirst)
    .slice(0, Math.max(0, maxPairs));
}

/**
 * Each auction once, as last known. Index and recent window may both hold it, one of them from before its outcome:
 * were the older one read, a winner that failed since would still be shown as an example.
 */
function newest(recalled: readonly RecalledEntry[]): RecalledEntry[] {
  const byAuction = new Map<string, RecalledEntry>();
  for (const found of recalled) {
    const known = byAuction.get(found.entry.auctionId);
    if (known === undefined || isNewer(found, known)) byAuction.set(found.entry.auctionId, found);
  }
  return [...byAuction.values()];
}

function isNewer(a: RecalledEntry, b: RecalledEntry): boolean {
  const versions = a.entry.version - b.entry.version;
  return versions > 0 || (versions === 0 && a.similarity > b.similarity);
}

function pairOf(agentId: AgentId, { entry, similarity }: RecalledEntry): ContrastivePair | null {
  const { auctionId, task, outcome } = entry;
  if (outcome === "fail") return null;
  const winning = entry.strategies.find(
    (one) => one.agentId === entry.winner && one.round === entry.winnerRound,
  );
  if (winning === undefined) return null;
  // The same words twice show no difference to learn from.
  const losers = lastStrategies(entry).filter(
    (one) => one.agentId !== entry.winner && one.strategy !== winning.strategy,
  );
  const losing =
    entry.winner === agentId
      ? strongestContrast(losers, winning)
      : losers.find((one) => one.agentId === agentId);
  if (losing === undefined) return null;
  return { auctionId, task, similarity, losing: half(losing), winning: half(winning), outcome };
}

function half({ agentId, strategy }: RememberedStrategy): ContrastivePair["losing"] {
  return { agentId, strategy };
}

/** What each agent went into the clearing with: its refined bid where it has one. */
function lastStrategies(entry: MemoryEntry): RememberedStrategy[] {
  const last = new Map<AgentId, RememberedStrategy>();
  for (const one of entry.strategies) {
    const known = last.get(one.agentId);
    if (known === undefined || one.round > known.round) last.set(one.agentId, one);
  }
  return [...last.values()];
}

/**
 * The loser that stands against an agent's own win.
 *
 * Always another agent's, never the winner's earlier bid: that would teach the agent its own rewording. First those that
 * refined, for they lost in the last round and not for want of trying; among equals the one that shares the fewest
 * words with the winning one, because that is where the difference lies. Ids decide only between equal texts.
 */
function strongestContrast(
  losers: readonly RememberedStrategy[],
  winning: RememberedStrategy,
): RememberedStrategy | undefined {
  const words = wordsOf(winning.strategy);
  return losers
    .map((loser) => ({ loser, shared: sharedWords(words, wordsOf(loser.strategy)) }))
    .toSorted(
      (a, b) =>
        b.loser.round - a.loser.round ||
        a.shared - b.shared ||
        byText(a.loser.strategy, b.loser.strategy) ||
        byText(a.loser.agentId, b.loser.agentId),
    )[0]?.loser;
}

function betterFirst(a: ContrastivePair, b: ContrastivePair): number {
  return (
    Number(b.outcome === "pass") - Number(a.outcome === "pass") ||
    b.similarity - a.similarity ||
    byText(a.auctionId, b.auctionId)
  );
}

/** By code units: the same order on every machine, whatever its locale. */
function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
