/** Usage, budgets and books over HTTP: as a tenant sees its own, and as the operator sees and sets them. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { beforeAll, describe, expect, test } from "vitest";
import type { ApiEnv } from "../../../src/api/api-env.ts";
import { csv } from "../../../src/api/csv.ts";
import { newId, type AgentId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { SpentCall } from "../../../src/market/report.ts";
import type { MarketRoomPort } from "../../../src/taskroom/market-room-port.ts";
import { USAGE } from "../../support/scripted-models.ts";
import { marketStub } from "../stubs.ts";
import {
  bodyOf,
  call,
  config,
  fingerprint,
  holdTask,
  openTenant,
  OPERATOR,
  problemOf,
  type Tenant,
} from "./support.ts";

const SMALL = "agt_house-4b" as AgentId;
const LARGE = "agt_house-32b" as AgentId;
const DAY_1 = Date.UTC(2026, 4, 31, 23, 59, 59, 999);
const DAY_2 = DAY_1 + 1;

function aSpentCall(fields: Partial<SpentCall> = {}): SpentCall {
  return {
    callId: newId("cal", config.source),
    kind: "bid",
    agentId: SMALL,
    attempt: 0,
    status: "billed",
    micros: asMicros(1_500),
    boundMicros: asMicros(5_000),
    payer: "tenant",
    usage: { ...USAGE, cachedInputTokens: 300 },
    endedAtMs: DAY_1,
    ...fields,
  };
}

const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => call(path, { headers });

/** A tenant whose task was charged for four calls on two days: 1,500, 2,500, 5,000 and 0 micro-USD. */
async function spending() {
  const tenant = await openTenant();
  const taskId = await holdTask(tenant);
  const calls = [
    aSpentCall(),
    aSpentCall({ kind: "jury", agentId: LARGE, micros: asMicros(2_500), endedAtMs: DAY_2 }),
    // 3,000 above its bound.
    aSpentCall({ kind: "jury", agentId: LARGE, micros: asMicros(8_000), endedAtMs: DAY_2 }),
    aSpentCall({
      kind: "embed",
      agentId: null,
      status: "unconfirmed",
      payer: "lost",
      micros: asMicros(5_000),
      usage: null,
      endedAtMs: DAY_2,
    }),
  ];
  await marketStub<MarketRoomPort>(tenant.tenantId).spent(taskId, calls);
  return { tenant, taskId, calls };
}

let paid: Awaited<ReturnType<typeof spending>>;
let other: Tenant;
beforeAll(async () => {
  paid = await spending();
  other = await openTenant();
});

const inMay = "from=2026-05-31&to=2026-06-01";
const usageOf = async (query: string) => get(`/v1/usage?${query}`, paid.tenant.auth);

describe("usage by days", () => {
  const tokens = (calls: number) => ({
    inputTokens: calls * 1_000,
    cachedInputTokens: calls * 300,
    outputTokens: calls * 200,
  });

  test("is told by day, key, agent and kind, with who paid", async () => {
    const keyId: unknown = expect.stringMatching(/^key_/);
    const body = await bodyOf(await usageOf(inMay));
    expect(body).toEqual({
      object: "usage",
      from: "2026-05-31",
      to: "2026-06-01",
      totalUsd: 0.009,
      data: [
        {
          day: "2026-05-31",
          keyId,
          agentId: SMALL,
          kind: "bid",
          calls: 1,
          unconfirmed: 0,
          ...tokens(1),
          costUsd: 0.0015,
          paidByHouseUsd: 0,
        },
        {
          day: "2026-06-01",
          keyId,
          agentId: null,
          kind: "embed",
          calls: 1,
          unconfirmed: 1,
          ...tokens(0),
          costUsd: 0,
          paidByHouseUsd: 0.005,
        },
        {
          day: "2026-06-01",
          keyId,
          agentId: LARGE,
          kind: "jury",
          calls: 2,
          unconfirmed: 0,
          ...tokens(2),
          costUsd: 0.0075,
          paidByHouseUsd: 0.003,
        },
      ],
    });
  });

  test.each([
    ["one day", "from=2026-05-31&to=2026-05-31", 0.0015],
    ["the day after", "from=2026-06-01&to=2026-06-01", 0.0075],
    ["days on which nothing was spent", "from=2026-06-02&to=2026-06-30", 0],
    ["a whole year", "from=2025-06-02&to=2026-06-02", 0.009],
  ])("of %s has those days alone", async (_, query, totalUsd) => {
    expect(await bodyOf(await usageOf(query))).toMatchObject({ totalUsd });
  });

  test("of days that nobody named are the last thirty", async () => {
    const body = (await bodyOf(await usageOf(""))) as { from: string; to: string };
    expect((Date.parse(body.to) - Date.parse(body.from)) / 86_400_000).toBe(29);
    expect(await bodyOf(await usageOf("to=2026-06-29"))).toMatchObject({
      from: "2026-05-31",
      totalUsd: 0.009,
    });
  });

  test("as CSV has a header, the columns of the JSON in order, and CRLF", async () => {
    const response = await usageOf(`${inMay}&format=csv`);
    expect(response.headers.get("Content-Type")).toBe("text/csv; charset=utf-8; header=present");
    const lines = (await response.text()).split("\r\n");
    expect(lines[0]).toBe(
      "day,keyId,agentId,kind,calls,unconfirmed,inputTokens,cachedInputTokens,outputTokens,costUsd,paidByHouseUsd",
    );
    expect(lines.slice(1).map((line) => line.replace(/key_\w+/, "KEY"))).toEqual([
      `2026-05-31,KEY,${SMALL},bid,1,0,1000,300,200,0.0015,0`,
      "2026-06-01,KEY,,embed,1,1,0,0,0,0,0.005",
      `2026-06-01,KEY,${LARGE},jury,2,0,2000,600,400,0.0075,0.003`,
      "",
    ]);
  });

  test("of nothing is a header alone", async () => {
    const text = await (await get("/v1/usage?format=csv", other.auth)).text();
    expect(text.split("\r\n")).toEqual([expect.stringMatching(/^day,/), ""]);
  });
});

describe("usage of a task", () => {
  test("is told call by call", async () => {
    const body = (await bodyOf(await usageOf(`task=${paid.taskId}`))) as { data: { callId: string }[] };
    expect(body).toMatchObject({ object: "usage", taskId: paid.taskId, totalUsd: 0.009 });
    expect(body.data.map((line) => line.callId)).toEqual(paid.calls.map((one) => one.callId).toSorted());
    expect(body.data.find((line) => line.callId === paid.calls[2]?.callId)).toEqual({
      callId: paid.calls[2]?.callId,
      day: "2026-06-01",
      agentId: LARGE,
      kind: "jury",
      attempt: 0,
      status: "billed",
      inputTokens: 1_000,
      cachedInputTokens: 300,
      outputTokens: 200,
      costUsd: 0.005,
      paidByHouseUsd: 0.003,
    });
    expect(body.data.find((line) => line.callId === paid.calls[3]?.callId)).toMatchObject({
      status: "unconfirmed",
      inputTokens: null,
      costUsd: 0,
      paidByHouseUsd: 0.005,
    });
  });

  test("as CSV leaves unknown tokens empty", async () => {
    const response = await usageOf(`task=${paid.taskId}&format=csv`);
    const lines = (await response.text()).split("\r\n");
    expect(lines[0]).toBe(
      "callId,day,agentId,kind,attempt,status,inputTokens,cachedInputTokens,outputTokens,costUsd,paidByHouseUsd",
    );
    expect(lines).toContain(`${paid.calls[3]?.callId},2026-06-01,,embed,0,unconfirmed,,,,0,0.005`);
    expect(lines).toHaveLength(6);
  });

  test("of another tenant reads as one that there is not", async () => {
    const unknown = newId("tsk", config.source);
    const refusal = await fingerprint(await get(`/v1/usage?task=${unknown}`, other.auth));
    expect(refusal).toMatchObject({ status: 404 });
    for (const task of [paid.taskId, "tsk_1", "x", ""]) {
      expect(await fingerprint(await get(`/v1/usage?task=${task}`, other.auth))).toEqual(refusal);
      expect(await fingerprint(await get(`/v1/usage?task=${task}&format=csv`, other.auth))).toEqual(refusal);
    }
  });

  test("that was admitted and has spent nothing is empty", async () => {
    const taskId = await holdTask(paid.tenant);
    const response = await usageOf(`task=${taskId}`);
    expect(response.status).toBe(200);
    expect(await bodyOf(response)).toMatchObject({ taskId, totalUsd: 0, data: [] });
  });
});

describe("a parameter that is wrong", () => {
  test.each([
    ["a day that is none", "from=yesterday", ["query from"]],
    ["a day that the calendar lacks", "to=2026-02-30", ["query to"]],
    ["a time", "from=2026-05-31T00:00:00Z", ["query from"]],
    ["days in the wrong order", "from=2026-06-01&to=2026-05-31", ["query to"]],
    ["days that are too many", "from=2025-01-01&to=2026-01-02", ["query from"]],
    ["a first day that is yet to come", "from=2999-01-01", ["query from"]],
    ["a task with days", "task=tsk_1&from=2026-05-31", ["query task"]],
    ["a format that is none", "format=xlsx", ["query format"]],
    ["a name that is none", "since=2026-05-31", ["query since"]],
  ])("(%s) is refused, and named", async (_, query, paths) => {
    expect(await problemOf(await usageOf(query))).toEqual({ status: 400, code: "invalid_parameter", paths });
  });

  test("is not told to whom nothing is told", async () => {
    const strangers = { "no key": {}, "the operator": OPERATOR };
    for (const headers of Object.values(strangers)) {
      for (const path of ["/v1/usage?format=xlsx", "/v1/budget"]) {
        expect(await problemOf(await get(path, headers))).toMatchObject({ status: 401 });
      }
    }
  });
});

describe("text in CSV", () => {
  const written = async (cells: readonly (string | number | null)[]) => {
    const rows = cells.map((cell) => ({ id: cell, after: "x" }));
    const app = new Hono<ApiEnv>().get("/", (c) => csv(c, ["id", "after"], rows));
    const response = await app.fetch(new Request("https://csv.test/"), env, createExecutionContext());
    return (await response.text()).split("\r\n").slice(1, -1);
  };

  test("that a spreadsheet would take for a formula is no formula", async () => {
    expect(await written(["=1+1", "+1", "-1", "@SUM(A1)"])).toEqual([
      "'=1+1,x",
      "'+1,x",
      "'-1,x",
      "'@SUM(A1),x",
    ]);
  });

  test("keeps commas, quotes and line ends in its cell", async () => {
    expect(await written(["a,b", 'a"b'])).toEqual(['"a,b",x', '"a""b",x']);
    expect(await written(["a\r\nb"])).toEqual(['"a', 'b",x']);
  });

  test("of nothing is nothing, and of 0 is 0", async () => {
    expect(await written([null, 0, "", 0.0000015])).toEqual([",x", "0,x", ",x", "0.0000015,x"]);
  });
});
