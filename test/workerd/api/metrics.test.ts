/** `/admin/metrics`: what the deployment does, in figures that a Prometheus takes; and of whom, it does not say. */
import { createMessageBatch } from "cloudflare:test";
import { expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { Pool } from "../../../src/market/agent.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { createVectorIndex } from "../../../src/memory/vector-index.ts";
import { consumeHistory } from "../../../src/tenancy/consume-history.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { readOpenMetrics, type Sample } from "../../support/read-open-metrics.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  awardedTask,
  CHEAP,
  openMarket,
  POOL,
  useStoppedClock,
  traceDeps,
} from "../rooms/market-day.ts";
import { failToDeath, faultyVerifier, stuckOf, SUBMIT, traceMessage } from "../rooms/stuck-day.ts";
import { call, config, fingerprint, OPERATOR, problemOf } from "./support.ts";

const clock = useStoppedClock();

async function scraped(): Promise<{ readonly text: string; readonly samples: readonly Sample[] }> {
  const response = await call("/admin/metrics", { headers: OPERATOR });
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe(
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
  );
  const text = await response.text();
  return { text, samples: readOpenMetrics(text) };
}

/** The one sample that has these labels, whatever others it has; 0 where there is none. */
function valueOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  );
  expect(found.length).toBeLessThan(2);
  return found[0]?.value ?? 0;
}

/** A task that one agent bids for, carried out within three seconds, and carried to D1. */
async function finishedTask(
  day: Awaited<ReturnType<typeof openMarket>>,
  { pool, winner }: { readonly pool: Pool; readonly winner: AgentId },
) {
  const { tenantId } = day;
  const { taskId, room, holder } = await day.admit({ verifier: { type: "equals", expected: "42" } });
  const all = <T>(script: T) => Object.fromEntries(pool.map(({ id }) => [id, script] as const));
  const models = new ScriptedModels({
    bids: { ...all("empty" as const), [winner]: "multiply" },
    verdicts: all(() => 2),
    steps: [{ text: "42" }],
  });
  await runAuction(auctionDeps(models), holder);
  clock.pass(3_000);
  await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
  await carry(tenantId);
  return { taskId, room };
}

async function carry(tenantId: string): Promise<void> {
  const message = { id: "1", timestamp: new Date(), attempts: 1, body: { kind: "history", tenantId } };
  await consumeHistory(
    config,
    createVectorIndex(config.vectorize),
    createMessageBatch("saleroom-history", [message]),
  );
}

test("a task that was carried out is counted: its end, its time, its steps, and each agent's tokens and money", async () => {
  const agent = config.pool[0];
  if (agent === undefined) throw new Error("the environment has no pool");
  const day = await openMarket({ pool: null });
  const before = (await scraped()).samples;
  const { room, taskId } = await finishedTask(day, { pool: config.pool, winner: agent.id });
  const { text, samples } = await scraped();
  const grown = (name: string, labels: Readonly<Record<string, string>> = {}) =>
    valueOf(samples, name, labels) - valueOf(before, name, labels);

  expect(
    grown("saleroom_tasks_ended_total", { saleroom_task_state: "finished", saleroom_task_outcome: "pass" }),
  ).toBe(1);
  const finished = { saleroom_task_state: "finished" };
  expect(grown("saleroom_task_duration_seconds_sum", finished)).toBe(3);
  expect(grown("saleroom_task_duration_seconds_bucket", { ...finished, le: "2.5" })).toBe(0);
  expect(grown("saleroom_task_duration_seconds_bucket", { ...finished, le: "5.0" })).toBe(1);

  const of = { gen_ai_agent_id: agent.id, gen_ai_request_model: agent.model };
  expect(grown("saleroom_trace_steps_count", of)).toBe(1);
  expect(grown("saleroom_trace_steps_sum", of)).toBe(1);
  expect(grown("saleroom_agent_work_total", { ...of, saleroom_call_kind: "bid" })).toBe(1);
  const view = await room.view();
  const trace = { ...of, saleroom_call_kind: "trace" };
  expect(grown("gen_ai_client_token_usage_total", { ...trace, gen_ai_token_type: "output" })).toBe(200);
  expect(grown("gen_ai_client_token_usage_total", { ...trace, gen_ai_token_type: "input" })).toBeGreaterThan(
    0,
  );
  const paid = samples
    .filter(({ name }) => name === "saleroom_cost_usd_total")
    .reduce((sum, { name, labels, value }) => sum + value - valueOf(before, name, labels), 0);
  // Nobody embeds, and no panel judges: the agents' work is all there was to pay for.
  expect(Math.round(paid * 1e6)).toBe(view?.costMicros);
  expect(paid).toBeGreaterThan(0);
  for (const id of [day.tenantId, taskId]) expect(text).not.toContain(id);
});

test("agents of a tenant's own pool are one, so that no tenant makes up labels", async () => {
  const day = await openMarket();
  const labels = { gen_ai_agent_id: "other", saleroom_call_kind: "trace", gen_ai_token_type: "output" };
  const before = valueOf((await scraped()).samples, "gen_ai_client_token_usage_total", labels);
  await finishedTask(day, { pool: POOL, winner: CHEAP });
  const { text, samples } = await scraped();
  expect(valueOf(samples, "gen_ai_client_token_usage_total", labels) - before).toBe(200);
  expect(text).not.toContain(CHEAP);
  expect(text).not.toContain("scripted");
});

test("what is open and what is stuck is shown as it stands", async () => {
  const kind = { saleroom_stuck_kind: "dead_letter" };
  const before = (await scraped()).samples;
  const task = await awardedTask();
  await carry(task.day.tenantId);
  expect(valueOf((await scraped()).samples, "saleroom_open_tasks")).toBe(
    valueOf(before, "saleroom_open_tasks") + 1,
  );

  await failToDeath(
    faultyVerifier(new ScriptedModels({ steps: [SUBMIT] })),
    traceMessage(task, 1),
    clock.pass,
  );
  const [found] = await stuckOf(task);
  const { samples } = await scraped();
  expect(valueOf(samples, "saleroom_open_tasks")).toBe(valueOf(before, "saleroom_open_tasks"));
  expect(valueOf(samples, "saleroom_stuck", kind)).toBe(valueOf(before, "saleroom_stuck", kind) + 1);
  expect(valueOf(samples, "saleroom_tasks_ended_total", { error_type: "dead_lettered" })).toBe(
    valueOf(before, "saleroom_tasks_ended_total", { error_type: "dead_lettered" }) + 1,
  );

  await call(`/admin/stuck/${found?.stuckId}/dismiss`, { method: "POST", headers: OPERATOR });
  await carry(task.day.tenantId);
  expect(valueOf((await scraped()).samples, "saleroom_stuck", kind)).toBe(
    valueOf(before, "saleroom_stuck", kind),
  );
});

test("they are the operator's alone, and are only read", async () => {
  const refusal = await fingerprint(await call("/admin/tenants", { method: "POST" }));
  expect(await fingerprint(await call("/admin/metrics"))).toEqual(refusal);
  const guessed = await call("/admin/metrics", { headers: { Authorization: "Bearer test-operato" } });
  expect(await problemOf(guessed)).toMatchObject({ status: 401, code: "unauthenticated" });
  const written = await call("/admin/metrics", { method: "POST", headers: OPERATOR });
  expect([written.status, written.headers.get("Allow")]).toEqual([405, "GET"]);
});
