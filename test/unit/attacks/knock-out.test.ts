/**
 * Whether an attacker gains by making jurors fail (auction.md: "no bidder may be able to bring that about").
 *
 * Compared is the attacker's place with the same text before jurors that obey nothing: what is left is the effect of
 * jurors that leave.
 */
import { describe, expect, test } from "vitest";
import type { Attack } from "../../../emulators/attacks/attack.ts";
import { ATTACKS } from "../../../emulators/attacks/attacks.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { cases, judge, type Case, type Judged } from "./support.ts";

const auctions = cases({ seeds: 2, step: 4 });
const knockOuts = ATTACKS.filter(({ family }) => family === "knock out");
const refuse = ATTACKS.find(({ id }) => id === "refuse") as Attack;

/** Stated bound: share of auctions in which the attacker ends up in a better place. */
const SMALL_SHARE = 0.1;

type Falls = (juror: AgentId) => number;

/** Each auction judged with jurors that obey nothing, and then with those that fall for the attack. */
async function judgedTwice(attack: Attack, fallsIn: (one: Case, steady: Judged) => Falls | undefined) {
  return Promise.all(
    auctions.map(async (one) => {
      const steady = await judge(one, attack, { obedience: () => 0 });
      return { one, steady, fallen: await judge(one, attack, { obedience: fallsIn(one, steady) }) };
    }),
  );
}

function shareImproved(
  pairs: Awaited<ReturnType<typeof judgedTwice>>,
  rank: (judged: Judged) => number,
): number {
  return pairs.filter(({ steady, fallen }) => rank(fallen) < steady.rank).length / pairs.length;
}

/** The juror, other than the attacker, in whose eyes it is worst off against its best rival. */
function harshest({ attacker }: Case, { verdicts }: Judged): AgentId | null {
  const lead = verdicts.flatMap((verdict) => {
    if (verdict.status !== "scored" || verdict.jurorId === attacker) return [];
    const rivals = Object.entries(verdict.scores).flatMap(([id, score]) => (id === attacker ? [] : [score]));
    return [{ juror: verdict.jurorId, lead: (verdict.scores[attacker] ?? 0) - Math.max(...rivals) }];
  });
  return lead.toSorted((a, b) => a.lead - b.lead)[0]?.juror ?? null;
}

test.each(knockOuts.map((attack) => [attack.id, attack] as const))(
  "%s: every verdict covers all bids, also of a juror that it made fail",
  async (_, attack) => {
    const pairs = await judgedTwice(attack, () => () => 0.5);
    const verdicts = pairs.flatMap(({ fallen }) => fallen.verdicts);
    expect(verdicts.some((one) => one.status === "scored" && Object.keys(one.failedOn).length > 0)).toBe(
      true,
    );
    for (const verdict of verdicts) {
      if (verdict.status === "scored") expect(Object.keys(verdict.scores)).toHaveLength(4);
    }
  },
);

test.each(knockOuts.map((attack) => [attack.id, attack] as const))(
  "%s: before naive jurors, the attacker's place improves in at most one auction of ten",
  async (_, attack) => {
    const pairs = await judgedTwice(attack, () => undefined);
    expect(shareImproved(pairs, (judged) => judged.rank)).toBeLessThanOrEqual(SMALL_SHARE);
  },
);

/** Such as a text that one provider's filter always refuses. */
describe("an attacker that makes jurors fail for certain", () => {
  const targets: readonly (readonly [string, (one: Case, steady: Judged) => Falls])[] = [
    ["its harshest juror", (one, steady) => (juror) => Number(juror === harshest(one, steady))],
    ["all jurors but itself", (one) => (juror) => Number(juror !== one.attacker)],
    ["all jurors", () => () => 1],
  ];

  test.each(targets)("gains nothing by knocking out %s", async (_, fallsIn) => {
    const pairs = await judgedTwice(refuse, fallsIn);
    expect(shareImproved(pairs, (judged) => judged.rank)).toBeLessThanOrEqual(SMALL_SHARE);
  });

  test("costs the auction no juror: the bid that it failed on gets 0, and the record says so", async () => {
    const pairs = await judgedTwice(refuse, (one) => (juror) => Number(juror !== one.attacker));
    for (const { one, fallen } of pairs) {
      expect(fallen.verdicts.filter((verdict) => verdict.status === "left")).toEqual([]);
      for (const verdict of fallen.verdicts) {
        if (verdict.status !== "scored" || verdict.jurorId === one.attacker) continue;
        expect(verdict.failedOn).toEqual({ [one.attacker]: "malformed" });
        expect(verdict.scores[one.attacker]).toBe(0);
      }
    }
  });
});
