/** Who judges what: ballots of whole and sparse juries, with and without self-assessment, in both rounds. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawBallots, type Ballot, type ValidBid } from "../../../src/auction/jury.ts";
import type { Agent } from "../../../src/market/agent.ts";
import type { Round } from "../../../src/market/auction-record.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import type { JuryRules, Policy } from "../../../src/market/policy.ts";
import { SHORT_NAMES } from "../../../src/market/policy-name.ts";
import { aBid, agentId, anAgent, aPolicy } from "../../support/builders.ts";

const POOL: readonly Agent[] = Array.from({ length: 6 }, (_, at) => anAgent({ id: `agt_${"abcdef"[at]}` }));
const IDS = POOL.map((agent) => agent.id);
const BIDS: readonly ValidBid[] = IDS.map((id) => aBid({ agentId: id }));

function withJury(jury: JuryRules | null): Policy {
  const rules = { kind: "auction", entropy: true, jury, memory: true } as const;
  return { ...aPolicy("sale", { pool: POOL }), rules };
}
const rulesOf = (size: number | null, self = true): JuryRules => ({ form: "batched", size, self });

interface Setting {
  readonly pool?: readonly Agent[];
  readonly seed?: number;
  readonly round?: Round;
  readonly bids?: readonly ValidBid[];
}

function ballotsOf(
  jury: JuryRules | null,
  { pool = POOL, seed = 7, round = 1, bids = BIDS }: Setting = {},
): Ballot[] {
  return drawBallots({ pool, policy: withJury(jury), seed }, round, bids);
}

const judgedBy = (ballots: readonly Ballot[], id: AgentId): AgentId[] =>
  ballots.find((ballot) => ballot.juror.id === id)?.entries.map(({ bid }) => bid.agentId) ?? [];
const wholeBallots = (ballots: readonly Ballot[]) =>
  ballots.filter((ballot) => ballot.entries.length === BIDS.length).map((ballot) => ballot.juror.id);

const settings = fc.record({
  jury: fc.record({
    form: fc.constantFrom("batched" as const, "pointwise" as const),
    size: fc.option(fc.integer({ min: 2, max: 8 })),
    self: fc.boolean(),
  }),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  round: fc.constantFrom<Round>(1, 2),
  bids: fc.subarray([...BIDS], { minLength: 2 }),
});

describe("any jury", () => {
  test("has no empty ballot, no juror twice, and no bid twice on one ballot", () => {
    fc.assert(
      fc.property(settings, ({ jury, ...setting }) => {
        const ballots = ballotsOf(jury, setting);
        const jurors = ballots.map((ballot) => ballot.juror.id);
        expect(new Set(jurors).size).toBe(jurors.length);
        for (const { entries } of ballots) {
          expect(entries.length).toBeGreaterThan(0);
          expect(new Set(entries.map(({ bid }) => bid.bidId)).size).toBe(entries.length);
          for (const { bid } of entries) expect(setting.bids).toContain(bid);
        }
      }),
    );
  });

  test("labels the bids of a ballot A, B, C … in the order in which they are shown", () => {
    fc.assert(
      fc.property(settings, ({ jury, ...setting }) => {
        for (const { entries } of ballotsOf(jury, setting)) {
          expect(entries.map((entry) => entry.label).join("")).toBe("ABCDEF".slice(0, entries.length));
        }
      }),
    );
  });

  test("does not depend on the order of the pool or of the bids", () => {
    const permuted = settings.chain((setting) =>
      fc.record({
        setting: fc.constant(setting),
        pool: fc.shuffledSubarray([...POOL], { minLength: POOL.length }),
        bids: fc.shuffledSubarray([...setting.bids], { minLength: setting.bids.length }),
      }),
    );
    fc.assert(
      fc.property(permuted, ({ setting: { jury, ...setting }, pool, bids }) => {
        expect(ballotsOf(jury, { ...setting, pool, bids })).toEqual(ballotsOf(jury, setting));
      }),
    );
  });

  test("lets an agent judge its own bid only where self-assessment holds", () => {
    fc.assert(
      fc.property(settings, ({ jury, ...setting }) => {
        const ballots = ballotsOf(jury, setting);
        for (const { agentId: id } of setting.bids) {
          expect(judgedBy(ballots, id).includes(id)).toBe(jury.self);
        }
      }),
    );
  });

  test("judges every bid: a bid on nobody's ballot would count as one with no value at all", () => {
    fc.assert(
      fc.property(settings, ({ jury, ...setting }) => {
        const judged = new Set(
          ballotsOf(jury, setting).flatMap(({ entries }) => entries.map(({ bid }) => bid.agentId)),
        );
        expect([...judged].toSorted()).toEqual(setting.bids.map((bid) => bid.agentId).toSorted());
      }),
    );
  });

  test.each(["sale", ...Object.keys(SHORT_NAMES).filter((name) => name !== "sale-no-jury")])(
    "judges every bid under %s",
    (name) => {
      const policy = aPolicy(name, { pool: POOL });
      for (let seed = 0; seed < 20; seed++) {
        const ballots = drawBallots({ pool: POOL, policy, seed }, 1, BIDS);
        const judged = new Set(ballots.flatMap(({ entries }) => entries.map(({ bid }) => bid.agentId)));
        expect([...judged].toSorted(), `seed ${seed}`).toEqual(IDS);
      }
    },
  );

  test("has nothing to decide between fewer than two bids", () => {
    for (const count of [0, 1]) {
      for (const jury of [rulesOf(null), rulesOf(2), rulesOf(null, false)]) {
        expect(ballotsOf(jury, { bids: BIDS.slice(0, count) })).toEqual([]);
      }
    }
  });
});

describe("nobody judges", () => {
  test("under a policy without a jury", () => {
    expect(ballotsOf(null)).toEqual([]);
  });

  test.each(["cheapest", "random", `always:${agentId("a")}`])("under %s", (name) => {
    const policy = aPolicy(name, { pool: POOL });
    expect(drawBallots({ pool: POOL, policy, seed: 7 }, 1, BIDS)).toEqual([]);
  });
});

describe("the whole jury", () => {
  test("judges all bids", () => {
    const ballots = ballotsOf(rulesOf(null));
    expect(ballots.map((ballot) => ballot.juror.id)).toEqual(IDS);
    expect(wholeBallots(ballots)).toEqual(IDS);
  });

  test("with agents that did not bid on it, too", () => {
    const ballots = ballotsOf(rulesOf(null), { bids: BIDS.slice(0, 2) });
    for (const id of IDS) expect(judgedBy(ballots, id).toSorted()).toEqual(IDS.slice(0, 2));
  });

  test("without self-assessment judges all bids but its own", () => {
    const ballots = ballotsOf(rulesOf(null, false));
    for (const id of IDS) {
      expect(judgedBy(ballots, id).toSorted()).toEqual(IDS.filter((other) => other !== id));
    }
  });

  test("of two bidders without self-assessment judges one another", () => {
    const setting = { pool: POOL.slice(0, 2), bids: BIDS.slice(0, 2) };
    const ballots = ballotsOf(rulesOf(null, false), setting);
    expect(ballots.map(({ juror, entries }) => [juror.id, entries[0]?.bid.agentId])).toEqual([
      [IDS[0], IDS[1]],
      [IDS[1], IDS[0]],
    ]);
  });
});

describe("a sparse jury", () => {
  test("has m members that judge all, and every other bidder judges itself alone", () => {
    for (let seed = 0; seed < 50; seed++) {
      const ballots = ballotsOf(rulesOf(2), { seed });
      const members = wholeBallots(ballots);
      expect(members).toHaveLength(2);
      for (const id of IDS.filter((other) => !members.includes(other))) {
        expect(judgedBy(ballots, id)).toEqual([id]);
      }
    }
  });

  test("without self-assessment has m members, none of which judges itself, and nobody else", () => {
    for (let seed = 0; seed < 50; seed++) {
      const ballots = ballotsOf(rulesOf(2, false), { seed });
      expect(ballots).toHaveLength(2);
      for (const { juror } of ballots) {
        expect(judgedBy(ballots, juror.id).toSorted()).toEqual(IDS.filter((id) => id !== juror.id));
      }
    }
  });

  test("asks no agent that neither was drawn nor bid", () => {
    for (let seed = 0; seed < 50; seed++) {
      const ballots = ballotsOf(rulesOf(1), { seed, bids: BIDS.slice(0, 2) });
      const asked = ballots.map((ballot) => ballot.juror.id);
      expect(asked.filter((id) => !IDS.slice(0, 2).includes(id)).length).toBeLessThanOrEqual(1);
    }
  });

  test("of the pool's size, or larger, is the whole jury", () => {
    expect(ballotsOf(rulesOf(6))).toEqual(ballotsOf(rulesOf(null)));
    expect(ballotsOf(rulesOf(99))).toEqual(ballotsOf(rulesOf(null)));
  });

  test("draws each agent about equally often", () => {
    const members = Array.from({ length: 1_200 }, (_, at) =>
      wholeBallots(ballotsOf(rulesOf(2), { seed: Math.imul(at, 0x9e3779b1) >>> 1 })),
    ).flat();
    for (const id of IDS) {
      // 1/3 of 1,200 auctions ± 5 standard deviations.
      expect(Math.abs(members.filter((member) => member === id).length - 400), id).toBeLessThan(82);
    }
  });

  test("is drawn anew for the second round", () => {
    const differ = Array.from({ length: 50 }, (_, seed) => {
      const [first, second] = ([1, 2] as const).map((round) =>
        wholeBallots(ballotsOf(rulesOf(2), { seed, round })),
      );
      return String(first) !== String(second);
    });
    expect(differ.filter(Boolean).length).toBeGreaterThan(30);
  });
});

describe("the order of bids on a ballot", () => {
  const orderOf = (id: AgentId, setting: Setting) => judgedBy(ballotsOf(rulesOf(null), setting), id).join();

  test("is the same for the same seed, juror and round", () => {
    for (const id of IDS) expect(orderOf(id, { seed: 3 })).toBe(orderOf(id, { seed: 3 }));
  });

  test("differs by juror, by round and by seed", () => {
    // Of 6! = 720 orders; 6 jurors in 2 rounds and 2 seeds seldom meet in one.
    const orders = [1, 2].flatMap((seed) =>
      ([1, 2] as const).flatMap((round) => IDS.map((id) => orderOf(id, { seed, round }))),
    );
    expect(new Set(orders).size).toBeGreaterThan(20);
  });

  test("does not give away who bid: each bid is called A about equally often", () => {
    const first = Array.from(
      { length: 1_200 },
      (_, at) =>
        ballotsOf(rulesOf(null), { seed: Math.imul(at, 0x9e3779b1) >>> 1 })[0]?.entries[0]?.bid.agentId,
    );
    for (const id of IDS) {
      // 1/6 of 1,200 auctions ± 5 standard deviations.
      expect(Math.abs(first.filter((one) => one === id).length - 200), id).toBeLessThan(65);
    }
  });
});

test("a ballot of more bids than letters goes on as the columns of a spreadsheet do", () => {
  const pool = Array.from({ length: 60 }, (_, at) => anAgent({ id: `agt_${String(at).padStart(2, "0")}` }));
  const bids = pool.map((agent) => aBid({ agentId: agent.id }));
  const [ballot] = drawBallots({ pool, policy: aPolicy("sale", { pool }), seed: 7 }, 1, bids);
  const labels = ballot?.entries.map((entry) => entry.label) ?? [];
  expect(labels.slice(24, 29)).toEqual(["Y", "Z", "AA", "AB", "AC"]);
  expect(labels.slice(51, 54)).toEqual(["AZ", "BA", "BB"]);
  expect(new Set(labels).size).toBe(60);
});
