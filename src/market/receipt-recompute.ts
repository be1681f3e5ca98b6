/**
 * Clears a receipt's auction again, from its recorded figures, and says where the receipt states something else.
 *
 * What it covers: winner, round, ranking, scores, terms, margin, who could refine, what refining changed, who could judge.
 * What only a signature vouches for: the texts, the times, the bills, and that the recorded figures are those that models gave.
 */
import { outputPrice } from "./agent.ts";
import { clearAuction, type AuctionRecord, type Clearing, type RoundRecord } from "./clear.ts";
import { changeOf } from "./receipt-change.ts";
import type { Difference } from "./receipt-difference.ts";
import { breachesOf } from "./receipt-rules.ts";
import { escalationBreaches, soldBreaches, unsoldBreaches } from "./receipt-sale.ts";
import type { Receipt } from "./receipt-schema.ts";
import { fail, ok, type Result } from "./result.ts";

/** The clearing that the receipt's figures give; null where nobody bid. Fails with every difference there is. */
export function recompute(receipt: Receipt): Result<Clearing | null, readonly Difference[]> {
  const cleared = clearAuction(recordOf(receipt));
  const computed = cleared.ok ? cleared.value : null;
  const { decision } = receipt;
  const found: Difference[] = [...breachesOf(receipt, computed), ...changed(receipt, computed)];
  if (decision.status !== "no-bids" && computed !== null) {
    found.push(...differences(decision.clearing, computed, "decision.clearing"));
    found.push(...saleDifferences(decision, receipt.policy, computed));
  } else if ((decision.status === "no-bids") !== (computed === null)) {
    const expected = computed === null ? "no-bids" : "cleared";
    found.push({ path: "decision.status", stated: decision.status, expected });
  }
  return found.length === 0 ? ok(computed) : fail(found);
}

/** Whether the sale follows from the ranking and from what is stated to have stood against bids. */
function saleDifferences(
  decision: Exclude<Receipt["decision"], { readonly status: "no-bids" }>,
  policy: Receipt["policy"],
  computed: Clearing,
): Difference[] {
  switch (decision.status) {
    case "cleared":
      return [
        ...soldBreaches(decision.sale ?? null, computed),
        ...escalationBreaches(decision, policy, computed),
      ];
    case "quoted":
      return [];
    case "no-sale": {
      const { passedOver, reason, relaxation } = decision;
      return unsoldBreaches({ passedOver, reason, relaxation }, computed);
    }
  }
}

/** What refining changed, from the recorded bids and the clearing that they give. */
function changed({ refinements, bids }: Receipt, computed: Clearing | null): Difference[] {
  return (refinements ?? []).flatMap(({ agentId, change, unchangedBecause }, at) =>
    differences({ change, unchangedBecause }, changeOf(agentId, bids, computed), `refinements[${at}]`),
  );
}

function recordOf(receipt: Receipt): AuctionRecord {
  const { policy, seed, pool, bids } = receipt;
  return {
    policy,
    seed,
    pool: pool.map((agent) => ({ agentId: agent.id, price: outputPrice(agent) })),
    first: roundOf(receipt, 1),
    refined: bids.some((bid) => bid.round === 2) ? roundOf(receipt, 2) : null,
  };
}

function roundOf({ pool, bids, verdicts }: Receipt, round: 1 | 2): RoundRecord {
  return {
    bids: bids.flatMap((bid) => {
      const agent = pool.find(({ id }) => id === bid.agentId);
      if (bid.round !== round || bid.status !== "valid" || agent === undefined) return [];
      const { agentId, visibleTokens, entropy } = bid;
      return [{ agentId, price: outputPrice(agent), tokens: visibleTokens, entropy: entropy.nats }];
    }),
    verdicts: verdicts.flatMap((verdict) =>
      verdict.round === round && verdict.status === "scored"
        ? [{ jurorId: verdict.jurorId, scores: verdict.scores }]
        : [],
    ),
  };
}

/** Every leaf in which two JSON values differ. Numbers must be equal to the last bit: both sides ran the same sums. */
function differences(stated: unknown, expected: unknown, path: string): Difference[] {
  if (stated === expected) return [];
  if (!isObject(stated) || !isObject(expected) || Array.isArray(stated) !== Array.isArray(expected)) {
    return [{ path, stated, expected }];
  }
  const names = [...new Set([...Object.keys(stated), ...Object.keys(expected)])];
  return names.flatMap((name) =>
    differences(stated[name], expected[name], Array.isArray(stated) ? `${path}[${name}]` : `${path}.${name}`),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
