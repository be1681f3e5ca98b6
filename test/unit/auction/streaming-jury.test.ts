/**
 * A juror is asked as soon as the bids that it needs are in (auction.md, "Streaming jury"), and never before there are
 * two to choose from.
 */
import { describe, expect, test } from "vitest";
import type { Answer, BidAnswer, JuryAnswer } from "../../../src/agents/model-port.ts";
import type { AuctionRun } from "../../../src/auction/auction-run.ts";
import { holdRound } from "../../../src/auction/hold-round.ts";
import type { AuctionAnswers, BidRecord } from "../../../src/market/auction-record.ts";
import type { CallBill, CallFailureReason } from "../../../src/market/call.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { JuryRules } from "../../../src/market/policy.ts";
import type { AuctionCommit } from "../../../src/market/auction-commit.ts";
import { aBid, agentId, anAgent, anOpening, aPolicy, aUsage, fixedSource } from "../../support/builders.ts";

const NAMES = ["a", "b", "c", "d"] as const;
const POOL = NAMES.map((name) => anAgent({ id: `agt_${name}` }));
const bill = { status: "billed", usage: aUsage(), costMicros: asMicros(1) } as const;

/** A round whose bids arrive when the test says so; verdicts are given at once. */
interface Setting {
  readonly standing?: readonly BidRecord[];
  /** Why the juror fails on these strategies; null: it does not. */
  readonly fails?: (juror: AgentId, strategies: readonly string[]) => CallFailureReason | null;
  /** Of failures as `provider_error`: its provider answers with errors that pass, and what the calls are billed as. */
  readonly passes?: { readonly bill: CallBill };
  /** What commits wait for until they stand. */
  readonly stands?: Promise<void>;
}

function round(
  jury: JuryRules,
  { standing = [], fails = () => null, passes, stands = Promise.resolve() }: Setting = {},
) {
  const bids = new Map(POOL.map(({ id }) => [id, Promise.withResolvers<Answer<BidAnswer>>()]));
  const asked: { readonly juror: AgentId; readonly strategies: readonly string[] }[] = [];
  const commits: Partial<AuctionCommit>[] = [];
  const bills: string[] = [];
  const askedWhenOut: number[] = [];
  const base = aPolicy("sale", { pool: POOL });
  const policy = { ...base, rules: { kind: "auction", entropy: true, jury, memory: false } as const };
  const opening = anOpening({ pool: POOL, policy, seed: 11 });
  const run: AuctionRun = {
    deps: {
      config: { auctionBidMs: 60_000, auctionJuryMs: 60_000, source: fixedSource() } as never,
      toolMenu: () => [],
      memory: null,
      models: {
        bid: async (agent) => (bids.get(agent.id) as PromiseWithResolvers<Answer<BidAnswer>>).promise,
        judge: async (juror, input): Promise<Answer<JuryAnswer>> => {
          const strategies = input.bids.map((bid) => bid.strategy);
          asked.push({ juror: juror.id, strategies });
          const reason = fails(juror.id, strategies);
          if (reason !== null) {
            const mayPass = reason === "provider_error" && passes !== undefined;
            const failure = { reason, message: "", ...(mayPass && { mayPass }) };
            return { ok: false, failure, bill, ...(mayPass && passes), ms: 1, requests: 1 };
          }
          // a: 5, b: 4, c: 3, d: 2
          const scores = Object.fromEntries(
            input.bids.map(({ label, strategy }) => [label, 5 - "abcd".indexOf(strategy)]),
          );
          return { ok: true, value: { scores }, bill, ms: 1, requests: 1 };
        },
        bidBound: () => asMicros(10),
        juryBound: () => asMicros(10),
      },
    },
    opening: { ...opening, deadlineAtMs: Number.MAX_SAFE_INTEGER },
    desk: { opening, bids: standing, verdicts: [], refinements: null, embedding: null },
    log: {
      commit: async (part) => {
        commits.push(part);
        await stands;
      },
      add: (part) => void commits.push(part),
      bill: (ended) => void bills.push(ended.callId),
      settled: async () => stands,
    },
    signal: new AbortController().signal,
  };
  const answers: Promise<AuctionAnswers> = holdRound(run, {
    round: 1,
    agents: POOL,
    refinements: new Map(),
    begun: null,
    holder: null,
    with: {},
    juryOut: () => askedWhenOut.push(asked.length),
  });
  const turn = async () => new Promise<void>((resolve) => void setTimeout(resolve, 1));
  return {
    asked,
    commits,
    bills,
    answers,
    askedWhenOut,
    turn,
    arrives: async (name: string) => {
      const value: BidAnswer = { strategy: name, visibleTokens: 10, topLogprobs: null };
      bids.get(agentId(name))?.resolve({ ok: true, value, bill, ms: 1, requests: 1 });
      await turn();
    },
    abstains: async (name: string) => {
      const failure = { reason: "timeout", message: "" } as const;
      bids.get(agentId(name))?.resolve({ ok: false, failure, bill, ms: 1, requests: 1 });
      await turn();
    },
    /** `a>b`: a was asked about b's strategy, alone or among others. */
    pairs: () =>
      asked.flatMap(({ juror, strategies }) => strategies.map((one) => `${juror.slice(4)}>${one}`)),
  };
}

const batched: JuryRules = { form: "batched", size: null, self: true };

describe("a batched jury", () => {
  test("is asked once the last bid is in", async () => {
    const one = round(batched);
    for (const name of ["a", "b", "c"]) await one.arrives(name);
    expect(one.asked).toEqual([]);
    await one.arrives("d");
    expect(one.asked).toHaveLength(4);
    expect((await one.answers).verdicts).toHaveLength(4);
  });

  test("has been asked before the auction does anything else meanwhile", async () => {
    const bids = NAMES.map((name) =>
      aBid({ agentId: agentId(name), strategy: name, round: 1, visibleTokens: 10 }),
    );
    const stands = Promise.withResolvers<void>();
    const one = round(batched, { standing: bids, stands: stands.promise });
    await one.turn();
    expect(one.askedWhenOut).toEqual([]);
    stands.resolve();
    await one.turn();
    expect(one.askedWhenOut).toEqual([4]);
  });

  test("does not wait for a bid that will not come", async () => {
    const one = round(batched);
    for (const name of ["a", "b", "c"]) await one.arrives(name);
    await one.abstains("d");
    expect(one.asked.map(({ strategies }) => strategies.toSorted())).toEqual(
      NAMES.map(() => ["a", "b", "c"]),
    );
  });

  test("judges the only valid bid of an auction by nobody", async () => {
    const one = round(batched);
    await one.arrives("a");
    for (const name of ["b", "c", "d"]) await one.abstains(name);
    expect((await one.answers).verdicts).toEqual([]);
    expect(one.asked).toEqual([]);
  });
});

describe("a pointwise jury", () => {
  const pointwise: JuryRules = { ...batched, form: "pointwise" };

  test("judges each bid as it comes, from the second one on", async () => {
    const one = round(pointwise);
    await one.arrives("b");
    expect(one.pairs()).toEqual([]);
    await one.arrives("d");
    expect(one.pairs().toSorted()).toEqual(["a>b", "a>d", "b>b", "b>d", "c>b", "c>d", "d>b", "d>d"]);
    await one.abstains("a");
    expect(one.pairs()).toHaveLength(8);
    await one.arrives("c");
    expect(one.pairs()).toHaveLength(12);
    const { verdicts } = await one.answers;
    expect(
      verdicts.map((verdict) => verdict.status === "scored" && Object.keys(verdict.scores).length),
    ).toEqual([3, 3, 3, 3]);
  });

  test("records each call's bill when it is answered, whatever becomes of the verdict", async () => {
    const one = round(pointwise);
    await one.arrives("a");
    await one.arrives("b");
    // Two bids and eight verdicts; the auction may be stopped before the other bids come.
    expect(one.bills).toHaveLength(10);
    for (const name of ["c", "d"]) await one.arrives(name);
    await one.answers;
    expect(new Set(one.bills).size).toBe(20);
  });

  test("records a juror's verdict once, over all bids, with all of its calls", async () => {
    const one = round(pointwise);
    for (const name of NAMES) await one.arrives(name);
    await one.answers;
    const verdicts = one.commits.flatMap((part) => part.verdicts ?? []);
    expect(verdicts).toHaveLength(4);
    for (const { calls } of verdicts) expect(calls).toHaveLength(4);
  });
});

describe("a sparse jury", () => {
  test("lets a bidder beyond the drawn judge itself before the others have bid", async () => {
    const one = round({ form: "batched", size: 2, self: true });
    await one.arrives("a");
    await one.arrives("b");
    const early = one.asked.map(({ juror, strategies }) => ({ juror, strategies }));
    for (const { juror, strategies } of early) expect(strategies).toEqual([juror.slice(4)]);
    await one.arrives("c");
    await one.arrives("d");
    await one.answers;
    const whole = one.asked.filter(({ strategies }) => strategies.length === 4);
    expect(whole).toHaveLength(2);
    const alone = one.asked.filter(({ strategies }) => strategies.length === 1).map(({ juror }) => juror);
    expect(alone.toSorted()).toEqual(
      POOL.map(({ id }) => id).filter((id) => !whole.some(({ juror }) => juror === id)),
    );
    const drawn = new Set(whole.map(({ juror }) => juror));
    expect(early.map(({ juror }) => juror).toSorted()).toEqual(
      [agentId("a"), agentId("b")].filter((id) => !drawn.has(id)),
    );
  });
});

test("every call is recorded as started before it is made, and a bid before the verdicts on it", async () => {
  const one = round(batched);
  for (const name of NAMES) await one.arrives(name);
  await one.answers;
  const kinds = one.commits.flatMap((part) => [
    ...(part.bids ?? []).map(() => "bid"),
    ...(part.started ?? []).map((call) => `start ${call.kind}`),
    ...(part.verdicts ?? []).map(() => "verdict"),
  ]);
  const last = (kind: string) => kinds.lastIndexOf(kind);
  expect(kinds.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => "start bid"));
  expect(kinds.indexOf("start jury")).toBeGreaterThan(last("start bid"));
  expect(kinds.indexOf("verdict")).toBeGreaterThan(last("bid"));
});

describe("a juror that fails on its batch", () => {
  const verdictOfA = async (fails: NonNullable<Setting["fails"]>, setting: Setting = {}) => {
    const one = round(batched, { ...setting, fails });
    for (const name of NAMES) await one.arrives(name);
    const { verdicts } = await one.answers;
    return verdicts.find((verdict) => verdict.jurorId === agentId("a"));
  };
  const onlyA = (
    reason: CallFailureReason,
    when: (strategies: readonly string[]) => boolean,
    setting?: Setting,
  ) =>
    verdictOfA((juror, strategies) => (juror === agentId("a") && when(strategies) ? reason : null), setting);

  test("and judges every bid alone has a verdict like any other", async () => {
    expect(await onlyA("malformed", (strategies) => strategies.length > 1)).toMatchObject({
      status: "scored",
      scores: { agt_a: 5, agt_b: 4, agt_c: 3, agt_d: 2 },
      failedOn: {},
    });
  });

  test.each(["malformed", "empty", "too_long", "timeout", "provider_error"] as const)(
    "and alone on one bid (%s) stays, and that bid has 0 from it",
    async (reason) => {
      expect(await onlyA(reason, (strategies) => strategies.includes("a"))).toMatchObject({
        status: "scored",
        scores: { agt_a: 0, agt_b: 4, agt_c: 3, agt_d: 2 },
        failedOn: { agt_a: reason },
      });
    },
  );

  test.each(["rate_limited", "unreachable", "misconfigured"] as const)(
    "and alone on one bid for what no bid can do (%s) leaves the jury",
    async (reason) => {
      expect(await onlyA(reason, (strategies) => strategies.includes("a"))).toMatchObject({
        status: "left",
        reason,
      });
    },
  );

  test("and alone on one bid while its provider is away leaves the jury; not so where it may have worked", async () => {
    const about = (strategies: readonly string[]) => strategies.includes("a");
    const verdict = async (status: "refused" | "unconfirmed") =>
      onlyA("provider_error", about, { passes: { bill: { status } } });
    expect(await verdict("refused")).toMatchObject({ status: "left", reason: "provider_error" });
    expect(await verdict("unconfirmed")).toMatchObject({
      status: "scored",
      failedOn: { agt_a: "provider_error" },
    });
  });

  test("and on every bid alone leaves the jury", async () => {
    expect(await onlyA("malformed", () => true)).toMatchObject({ status: "left", reason: "malformed" });
  });
});
