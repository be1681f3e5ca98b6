/** Shares of the latest awards: what is counted, how long, and that nothing is counted that did not happen. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { migrateSchema } from "../../../src/durable/schema.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { storedDocument } from "../../../src/market/policy-document.ts";
import { AwardShares, COUNTED_AWARDS } from "../../../src/tenancy/award-shares.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { MAX_VERSIONS, PolicyVersions } from "../../../src/tenancy/policy-versions.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { openCalibrationDay } from "./calibration-day.ts";
import {
  auctionDeps,
  CHEAP,
  DEAR,
  MIDDLE,
  openMarket,
  useStoppedClock,
  type MarketDay,
} from "./market-day.ts";

useStoppedClock();

async function inStorage<T>(
  { market }: Pick<MarketDay, "market">,
  work: (storage: DurableObjectStorage) => T,
) {
  return runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => work(storage));
}

/** Of the latest 99 awards: with the next one they are a hundred. */
function countOf(shares: AwardShares, id: AgentId): number {
  return Math.round(shares.shareWithNext(id) * COUNTED_AWARDS) - 1;
}

const sharesOf = async (day: Pick<MarketDay, "market">) =>
  inStorage(day, (storage) => {
    const shares = new AwardShares(storage);
    return [CHEAP, MIDDLE, DEAR].map((id) => countOf(shares, id));
  });

describe("the latest awards", () => {
  test("count, and older ones do not", async () => {
    const day = await openMarket();
    await inStorage(day, (storage) => {
      migrateSchema(storage, MARKET_SCHEMA);
      const shares = new AwardShares(storage);
      expect(shares.shareWithNext(CHEAP)).toBe(0.01);
      shares.record(CHEAP);
      expect(shares.shareWithNext(CHEAP)).toBe(0.02);
      for (let at = 0; at < COUNTED_AWARDS - 2; at += 1) shares.record(at % 4 === 0 ? CHEAP : DEAR);
      expect([countOf(shares, CHEAP), countOf(shares, DEAR)]).toEqual([26, 73]);
      shares.record(DEAR);
      expect([countOf(shares, CHEAP), countOf(shares, DEAR)]).toEqual([25, 74]);
      expect(countOf(new AwardShares(storage), CHEAP)).toBe(25);
      expect(countOf(shares, "agt_nobody" as AgentId)).toBe(0);
      expect(storage.sql.exec("SELECT count(*) AS n FROM award_shares").one()).toEqual({ n: 1 });
    });
  });

  test("are those that stand: one whose transaction was undone is forgotten", async () => {
    const day = await openMarket();
    await inStorage(day, (storage) => {
      const shares = new AwardShares(storage);
      shares.record(CHEAP);
      expect(() =>
        storage.transactionSync(() => {
          shares.record(DEAR);
          throw new Error("undone");
        }),
      ).toThrow("undone");
      shares.forget();
      expect([countOf(shares, CHEAP), countOf(shares, DEAR)]).toEqual([1, 0]);
    });
  });
});

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const NO_BIDS = { [CHEAP]: "empty", [MIDDLE]: "empty", [DEAR]: "empty" };

test("an award counts once, told however often; an auction without bids counts for nobody", async () => {
  const day = await openMarket();
  const { taskId, holder } = await day.admit({ policy: "sale-no-jury" });
  await runAuction(auctionDeps(new ScriptedModels({ bids: BIDS })), holder);
  expect(await sharesOf(day)).toEqual([1, 0, 0]);
  const again = { bids: [], verdicts: [], task: "", vector: null, tail: null };
  expect(await day.market.clear({ taskId, generation: 1, ...again })).toMatchObject({ ok: true });
  expect(await sharesOf(day)).toEqual([1, 0, 0]);
  const none = await day.admit();
  await runAuction(auctionDeps(new ScriptedModels({ bids: NO_BIDS })), none.holder);
  expect(await sharesOf(day)).toEqual([1, 0, 0]);
  for (const policy of [`always:${DEAR}`, `always:${DEAR}`, `always:${MIDDLE}`]) {
    const { holder: next } = await day.admit({ policy });
    await runAuction(auctionDeps(new ScriptedModels({})), next);
  }
  expect(await sharesOf(day)).toEqual([1, 1, 2]);
});

test("a calibration run counts for nobody: nobody competed", async () => {
  const day = await openCalibrationDay();
  await day.pastTask();
  await day.carryHistory();
  const before = await sharesOf(day);
  const id = (await day.quote(1)).quote.calibrationId;
  await day.accept(id);
  await day.ringMarket();
  expect((await day.read(id)).runs.some(({ status }) => status === "running")).toBe(true);
  expect(before).toEqual([0, 0, 1]);
  expect(await sharesOf(day)).toEqual(before);
});

test("the newest versions of a policy are kept, and older ones go", async () => {
  const day = await openMarket();
  await inStorage(day, (storage) => {
    const versions = new PolicyVersions(storage);
    const document = storedDocument({});
    for (let version = 1; version <= MAX_VERSIONS + 2; version += 1) {
      versions.add({ version, made: { atMs: version, by: { kind: "operator" } }, document });
    }
    const kept = versions.page(null, MAX_VERSIONS * 2);
    expect(kept).toHaveLength(MAX_VERSIONS);
    expect([kept[0]?.version, kept.at(-1)?.version]).toEqual([MAX_VERSIONS + 2, 3]);
  });
});
