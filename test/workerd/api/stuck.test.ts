/** `/admin/stuck`: what is stuck and why, and what can be done about it. */
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { eraseRows } from "../../../src/history/erase-rows.ts";
import { keepUnreadable } from "../../../src/history/keep-unreadable.ts";
import { newId } from "../../../src/market/ids.ts";
import { NO_BUDGET } from "../../../src/market/ledger/budget.ts";
import { asMicros } from "../../../src/market/money.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { awardedTask, openMarket, useStoppedClock } from "../rooms/market-day.ts";
import { failToDeath, faultyVerifier, ring, stuckOf, SUBMIT, traceMessage } from "../rooms/stuck-day.ts";
import { bodyOf, call, config, OPERATOR, post, problemOf } from "./support.ts";

const clock = useStoppedClock();

interface Shown {
  readonly id: string | null;
  readonly kind: string;
  readonly tenantId: string | null;
  readonly taskId: string | null;
  readonly why: string;
  readonly sinceAt: string | null;
  readonly can: readonly string[];
}

/** All pages, as the operator goes through them. */
async function listed(limit = 100): Promise<Shown[]> {
  const all: Shown[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const query: string = cursor === "" ? `limit=${limit}` : `limit=${limit}&cursor=${cursor}`;
    const response = await call(`/admin/stuck?${query}`, { headers: OPERATOR });
    expect(response.status).toBe(200);
    const page = (await bodyOf(response)) as { data: Shown[]; nextCursor: string | null };
    all.push(...page.data);
    cursor = page.nextCursor;
  }
  return all;
}

async function givenUp() {
  const task = await awardedTask({ prompt: "a secret of the tenant's: 4711" });
  const deps = faultyVerifier(new ScriptedModels({ steps: [SUBMIT] }));
  await failToDeath(deps, traceMessage(task, 1), clock.pass);
  const [found] = await stuckOf(task);
  if (found === undefined) throw new Error("nothing is stuck");
  return { ...task, id: found.stuckId };
}

describe("the list", () => {
  test("has what was given up, of whom, why, since when, and what can be done; and nothing of its content", async () => {
    const { id, taskId, day } = await givenUp();
    const all = await listed();
    expect(all.filter(({ tenantId }) => tenantId === day.tenantId)).toEqual([
      {
        object: "stuck",
        id,
        kind: "dead_letter",
        tenantId: day.tenantId,
        taskId,
        why: "Its trace failed 5 times in a row, without a step between, and the queue brings it no more.",
        work: "trace",
        attempt: 1,
        tries: 5,
        lapses: 0,
        error: { class: "TypeError", message: "cannot read …" },
        sinceAt: expect.any(String) as string,
        can: ["redrive", "dismiss"],
      },
    ]);
    expect(JSON.stringify(all)).not.toContain("4711");
  });

  test("has what does not go on in rooms that have something to do", async () => {
    const lapsing = await awardedTask();
    for (const generation of [1, 2]) {
      await lapsing.room.takeTrace(1, generation);
      clock.pass(60_001);
      await ring(lapsing);
    }
    const unwanted = await awardedTask();
    for (let time = 0; time < 4; time += 1) {
      clock.pass(60_000 * 2 ** time + 1);
      await ring(unwanted);
    }
    await stuckOf(lapsing);
    await stuckOf(unwanted);
    const all = await listed();
    const of = (taskId: string) => all.filter((one) => one.taskId === taskId);
    const lapses = of(lapsing.taskId).find(({ kind }) => kind === "trace");
    expect(lapses).toMatchObject({ id: null, can: [] });
    expect(lapses?.why).toContain("taken up 2 times in a row");
    expect(
      of(unwanted.taskId)
        .map(({ why }) => why)
        .join(),
    ).toMatch(/announced \d times, and nobody/);
  });

  test("comes page by page, each thing once", async () => {
    const made = [await givenUp(), await givenUp(), await givenUp()];
    for (let at = 0; at < 12; at += 1) await stuckOf({ day: await awardedTask().then(({ day }) => day) });
    const all = await listed(2);
    const ids = all.flatMap(({ id }) => (id === null ? [] : [id]));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id } of made) expect(ids).toContain(id);
  });

  test("is the operator's alone", async () => {
    expect((await call("/admin/stuck")).status).toBe(401);
    const { id } = await givenUp();
    for (const order of ["redrive", "dismiss"])
      expect((await post(`/admin/stuck/${id}/${order}`, {}, {})).status).toBe(401);
  });
});

describe("what was given up", () => {
  test("is redriven, and told again it is so", async () => {
    const { id, taskId, room, day } = await givenUp();
    const first = await post(`/admin/stuck/${id}/redrive`, {}, OPERATOR);
    expect(first.status).toBe(200);
    expect(await bodyOf(first)).toEqual({
      object: "stuck",
      id,
      tenantId: day.tenantId,
      taskId,
      state: "redriven",
      replayed: false,
    });
    expect(await bodyOf(await post(`/admin/stuck/${id}/redrive`, {}, OPERATOR))).toMatchObject({
      replayed: true,
    });
    expect(await room.view()).toMatchObject({ state: "awarded", attempts: 2 });
    expect(await problemOf(await post(`/admin/stuck/${id}/dismiss`, {}, OPERATOR))).toMatchObject({
      status: 409,
      code: "stuck_settled",
    });
  });

  test("is not redriven beyond its budgets: the refusal says which, what was asked and what is left", async () => {
    const { id, day } = await givenUp();
    await day.market.setBudget({ ...NO_BUDGET, dayMicros: asMicros(1) });
    const response = await post(`/admin/stuck/${id}/redrive`, {}, OPERATOR);
    expect(response.status).toBe(402);
    expect(await bodyOf(response)).toMatchObject({
      error: { code: "budget_exceeded", details: { scope: "tenant", limit: "day", leftUsd: 0 } },
    });
  });

  test("is dismissed, and is in the list no more", async () => {
    const { id, day } = await givenUp();
    expect((await post(`/admin/stuck/${id}/dismiss`, {}, OPERATOR)).status).toBe(200);
    await stuckOf({ day });
    expect((await listed()).map((one) => one.id)).not.toContain(id);
  });

  test("goes with its tenant", async () => {
    const { day } = await givenUp();
    await eraseRows(env.DB, { tenantId: day.tenantId, statements: 100 });
    expect((await listed()).map(({ tenantId }) => tenantId)).not.toContain(day.tenantId);
  });

  test.each(["stk_00000000000000000000000000", "nonsense"])(
    "by an id that names nothing (%s) is not found",
    async (id) => {
      for (const order of ["redrive", "dismiss"])
        expect(await problemOf(await post(`/admin/stuck/${id}/${order}`, {}, OPERATOR))).toMatchObject({
          status: 404,
          code: "stuck_not_found",
        });
    },
  );
});

test("a message that nobody could read is dismissed, and is nothing to go on from", async () => {
  const stuckId = newId("stk", config.source);
  const message = {
    stuckId,
    queue: "saleroom-work",
    messageId: stuckId,
    error: "invalid_type at the top",
    sinceAtMs: 1,
  };
  await keepUnreadable(env.DB, message);
  expect((await listed()).find(({ id }) => id === stuckId)).toMatchObject({
    kind: "unreadable",
    tenantId: null,
    can: ["dismiss"],
  });
  expect(await problemOf(await post(`/admin/stuck/${stuckId}/redrive`, {}, OPERATOR))).toMatchObject({
    code: "stuck_not_redrivable",
  });
  expect((await post(`/admin/stuck/${stuckId}/dismiss`, {}, OPERATOR)).status).toBe(200);
  expect((await listed()).map(({ id }) => id)).not.toContain(stuckId);
});

test("an idle tenant is not looked into", async () => {
  const day = await openMarket();
  await stuckOf({ day });
  const { MarketRoom } = await import("../../../src/index.ts");
  const asked = vi.spyOn(MarketRoom.prototype, "findStuck");
  await listed();
  const open = await env.DB.prepare("SELECT count(*) AS n FROM tenants WHERE open_tasks > 0").first<{
    n: number;
  }>();
  expect(asked).toHaveBeenCalledTimes(open?.n ?? -1);
});
