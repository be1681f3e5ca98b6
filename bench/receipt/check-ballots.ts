/** Draws the juries of a receipt's auction again, from its seed, and says where its verdicts are not of those ballots. */
import { drawBallots, type ValidBid } from "../../src/auction/jury.ts";
import type { Agent } from "../../src/market/agent.ts";
import type { Difference } from "../../src/market/receipt-difference.ts";
import type { Receipt } from "../../src/market/receipt-schema.ts";

export function checkBallots(receipt: Receipt): Difference[] {
  return ([1, 2] as const).flatMap((round) => {
    const expected = expectedBallots(receipt, round);
    const given = receipt.verdicts.filter((verdict) => verdict.round === round);
    const jurors = new Set([...Object.keys(expected), ...given.map((verdict) => verdict.jurorId)]);
    return [...jurors].flatMap((juror): Difference[] => {
      const verdict = given.find((one) => one.jurorId === juror);
      const path = `verdicts of round ${round}, ${juror}`;
      const wanted = expected[juror] ?? "no ballot";
      if (verdict === undefined) return [{ path, stated: "no verdict", expected: wanted }];
      // Of a juror that left only that it was asked can be seen.
      const judged = verdict.status === "left" ? wanted : Object.keys(verdict.scores).toSorted().join(" ");
      const agrees = juror in expected && judged === wanted;
      return agrees ? [] : [{ path, stated: judged, expected: wanted }];
    });
  });
}

/** Bidders on each juror's ballot, by juror. */
function expectedBallots(receipt: Receipt, round: 1 | 2): Readonly<Record<string, string>> {
  const { policy, seed, bids, decision } = receipt;
  const holder = decision.status === "no-bids" ? null : decision.clearing.provisionalWinner;
  const refined = bids.filter((bid) => bid.round === 2);
  const judged = bids.filter((bid) => bid.round === round || (round === 2 && bid.agentId === holder));
  if (round === 2 && refined.length === 0) return {};
  // Drawing looks at nothing of an agent or a bid but its id.
  const pool = receipt.pool as unknown as readonly Agent[];
  const valid = judged.filter((bid) => bid.status === "valid") as unknown as readonly ValidBid[];
  const ballots = drawBallots({ pool, policy, seed }, round, valid);
  return Object.fromEntries(
    ballots.map(({ juror, entries }) => [
      juror.id,
      entries
        .map(({ bid }) => bid.agentId)
        .toSorted()
        .join(" "),
    ]),
  );
}
