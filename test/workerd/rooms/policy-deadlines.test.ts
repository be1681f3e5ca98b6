/** Deadlines that a policy sets, through the real rooms. */
import { describe, expect, test } from "vitest";
import type { Answer, BidAnswer, CallLimits, JuryAnswer } from "../../../src/agents/model-port.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { Agent } from "../../../src/market/agent.ts";
import { OPEN_MARKET } from "../../../src/market/tenant-market.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  admitOnly,
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
} from "./market-day.ts";
import { BIDS, change, tamper, VERDICTS } from "./policy-day.ts";

const clock = useStoppedClock();

describe("deadlines of a policy", () => {
  /** Notes how long each call may take, and lets one agent's calls of a kind take longer. */
  class Slow extends ScriptedModels {
    readonly allowed: Record<string, number> = {};
    readonly slow: string;

    constructor(slow: string) {
      super({ bids: BIDS, verdicts: VERDICTS, steps: [{ text: "42" }] });
      this.slow = slow;
    }

    async #late<T>(call: string, limits: CallLimits): Promise<Answer<T> | null> {
      this.allowed[call] = limits.deadlineAtMs - Date.now();
      if (call !== this.slow) return null;
      await new Promise((resolve) => {
        limits.signal.addEventListener("abort", resolve, { once: true });
      });
      const failure = { reason: "timeout", message: "too late" } as const;
      return { ok: false, failure, bill: { status: "unconfirmed" }, ms: 1, requests: 1 };
    }

    override async bid(agent: Agent, input: never, limits?: CallLimits): Promise<Answer<BidAnswer>> {
      if (limits === undefined) throw new Error("a call without limits");
      return (await this.#late<BidAnswer>(`bid ${agent.id}`, limits)) ?? super.bid(agent, input);
    }

    override async judge(agent: Agent, input: never, limits?: CallLimits): Promise<Answer<JuryAnswer>> {
      if (limits === undefined) throw new Error("a call without limits");
      return (await this.#late<JuryAnswer>(`jury ${agent.id}`, limits)) ?? super.judge(agent, input);
    }
  }

  const DEADLINES = { ...OPEN_MARKET.deadlines, bidMs: 200, juryMs: 300 };

  test("govern how long the auction waits: a slow bidder abstains, a slow juror leaves", async () => {
    const day = await openMarket();
    await change(day, { deadlines: DEADLINES });
    for (const slow of [`bid ${DEAR}`, `jury ${CHEAP}`]) {
      const { holder, room } = await day.admit();
      const models = new Slow(slow);
      await runAuction(auctionDeps(models), holder);
      const receipt = await room.receipt();
      expect(models.allowed[`bid ${MIDDLE}`]).toBe(200);
      expect(models.allowed[`jury ${MIDDLE}`]).toBe(300);
      const failed = [...(receipt?.bids ?? []), ...(receipt?.verdicts ?? [])].flatMap((one) =>
        "reason" in one
          ? [`${one.status} ${"agentId" in one ? one.agentId : one.jurorId} ${one.reason}`]
          : [],
      );
      expect(failed).toEqual([
        slow.startsWith("bid") ? `abstained ${DEAR} timeout` : `left ${CHEAP} timeout`,
      ]);
    }
  });

  test("hold for whoever takes the auction up from the queue, after both rooms died", async () => {
    const day = await openMarket();
    await change(day, { deadlines: DEADLINES });
    const { taskId, room } = await admitOnly(day);
    clock.pass(config.leaseMs + 1);
    await day.ringMarket();
    await evictRooms(day.market, room);
    const models = new Slow("none");
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 2 });
    expect(models.allowed[`bid ${DEAR}`]).toBe(200);
    expect(models.allowed[`jury ${DEAR}`]).toBe(300);
  });

  test("are never longer than the environment's, whatever was stored when that one's were", async () => {
    const day = await openMarket();
    await tamper(day, "json_set(body, '$.market.deadlines', json('{\"bidMs\": 900000, \"juryMs\": null}'))");
    const { holder } = await day.admit();
    const models = new Slow("none");
    await runAuction(auctionDeps(models), holder);
    expect(models.allowed[`bid ${DEAR}`]).toBe(config.auctionBidMs);
    expect(models.allowed[`jury ${DEAR}`]).toBe(config.auctionJuryMs);
  });

  test("of tasks: a Worker of the version before, which tells of no default, is held to the maximum alone", async () => {
    const day = await openMarket();
    await change(day, { deadlines: { ...OPEN_MARKET.deadlines, taskDefaultS: 60, taskMaxS: 3_600 } });
    const { opening } = await day.admit();
    expect((opening?.deadlineAtMs ?? 0) - Date.now()).toBe(3_600_000);
    await change(day, { deadlines: { ...OPEN_MARKET.deadlines, taskMaxS: 600 } });
    await expect(day.admit()).rejects.toThrow("deadline_too_long");
  });
});
