/** Rooms that restart, or die, at a bad moment. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { TaskRoom } from "../../../src/index.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  config,
  ONE_BID,
  openMarket,
  useStoppedClock,
  taskRoom,
  traceDeps,
} from "../rooms/market-day.ts";
import { marketStub } from "../stubs.ts";

const clock = useStoppedClock();

const reset = async (room: DurableObjectStub) => {
  await runInDurableObject(room, async (_room, state) => state.abort("reset by a deploy")).catch(
    () => undefined,
  );
};

describe("a room that restarts under a holder", () => {
  test("task room, while the model answers: the paid answer is still committed", async () => {
    const day = await openMarket();
    const { taskId, holder } = await day.admit();
    const { tenantId } = day;
    const room = () => taskRoom(tenantId, taskId);
    await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), holder);
    class Slow extends ScriptedModels {
      override async step(...args: Parameters<ScriptedModels["step"]>) {
        const answer = await super.step(...args);
        await reset(room());
        return answer;
      }
    }
    const slow = new Slow({ steps: [{ text: "42" }] });
    const message = { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 } as const;
    await runSlice(traceDeps(slow), message).catch(() => undefined);
    expect(await room().view()).toMatchObject({ state: "finished", outcome: "pass" });
  });

  test("market room, while agents bid: the auction is not decided by calls that were cut off", async () => {
    const day = await openMarket();
    const { taskId, holder } = await day.admit();
    const { tenantId } = day;
    const market = () => marketStub<typeof day.market>(tenantId);
    /** Answers after 800 ms, or fails as the metered call does when its signal aborts. */
    class Slow extends ScriptedModels {
      override async bid(...args: unknown[]) {
        const [agent, , limits] = args as [
          Parameters<ScriptedModels["bid"]>[0],
          unknown,
          { signal: AbortSignal },
        ];
        const cut = await new Promise<boolean>((resolve) => {
          setTimeout(() => resolve(false), 800);
          limits.signal.addEventListener("abort", () => resolve(true));
        });
        if (!cut) return super.bid(agent);
        const failure = { reason: "cancelled", message: "the call was cancelled" } as const;
        return { ok: false, failure, bill: { status: "unconfirmed" }, ms: 1, requests: 1 } as const;
      }
    }
    const deps = { ...auctionDeps(new Slow({ bids: ONE_BID })), config: { ...config, leaseMs: 300 } };
    const first = runAuction(deps, holder);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await reset(market());
    await first.catch(() => undefined);
    clock.pass(60_001);
    await runDurableObjectAlarm(market());
    if ((await market().takeAuction(taskId, 2)).ok) {
      await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), {
        tenantId,
        taskId,
        generation: 2,
      });
    }
    expect(await taskRoom(tenantId, taskId).view()).toMatchObject({ state: "awarded", failureReason: null });
  });
});

describe("what a transaction promised for later", () => {
  test("has its alarm before anything else is waited for", async () => {
    const day = await openMarket();
    const ids = (await day.market.historyBatch(100)).map((row) => row.id);
    await day.market.historyWritten(ids, []);
    // oxlint-disable-next-line typescript/unbound-method
    const open = TaskRoom.prototype.open;
    vi.spyOn(TaskRoom.prototype, "open").mockImplementation(async function (this: TaskRoom, opening) {
      await new Promise((resolve) => setTimeout(resolve, 600));
      return open.call(this, opening);
    });
    const admitting = day.admit();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const seen = await runInDurableObject(day.market as DurableObjectStub, async (_room, state) => ({
      tasks: state.storage.sql.exec("SELECT task_id FROM tasks").toArray().length,
      alarm: await state.storage.getAlarm(),
    }));
    await admitting;
    expect(seen).toEqual({ tasks: 1, alarm: expect.any(Number) });
  });
});
