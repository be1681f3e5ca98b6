/** `npm run fit -- --calibrate N` as a process, against a stand-in for the operator's API. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { fit } from "./fit-process.ts";

const source = { now: () => 1_750_000_000_000, random: () => 0.5 };
const TENANT = newId("ten", source);
const ID = newId("clb", source);
const SECRET = "operator-of-a-test";
const ROOT = `/admin/tenants/${TENANT}`;

type Run = Readonly<Record<string, unknown>>;
const run = (agentId: string, fields: Run = {}): Run => ({
  taskId: "tsk_1",
  auctionId: "auc_1",
  agentId,
  status: "quoted",
  outcome: null,
  skipReason: null,
  costMicros: null,
  ...fields,
});
const QUOTED = [run("agt_small"), run("agt_small"), run("agt_large")];
const ENDED = [
  run("agt_small", { status: "ended", outcome: "pass", costMicros: 100 }),
  run("agt_small", { status: "ended", outcome: "fail", costMicros: 150 }),
  run("agt_large", { status: "skipped", skipReason: "task_erased" }),
];

/** The one calibration that the stand-in knows, in whatever state it is. */
function calibration(state: string, runs: readonly Run[]): object {
  const count = (...statuses: string[]) =>
    runs.filter((one) => statuses.includes(String(one["status"]))).length;
  return {
    id: ID,
    state,
    asked: 5,
    suitable: runs.length > 0 ? 2 : 0,
    examined: 9,
    unsuitable: { all_known: 4, task_erased: 3, bids_missing: 0 },
    runCount: runs.length,
    runsAtOnce: 8,
    expectedMicros: 5_120,
    boundMicros: 900_000,
    costMicros: runs.reduce((sum, { costMicros }) => sum + Number(costMicros ?? 0), 0),
    expiresAt: "2026-01-02T03:04:05.000Z",
    progress: {
      waiting: count("quoted", "waiting"),
      running: count("running"),
      ended: count("ended"),
      skipped: count("skipped"),
    },
    agents: [
      { agentId: "agt_small", runs: 2, expectedMicrosPerRun: 60, basis: "own_mean", traces: 1 },
      { agentId: "agt_large", runs: 1, expectedMicrosPerRun: 5_000, basis: "scaled_by_price", traces: 7 },
    ],
    tasks: [
      { taskId: "tsk_1", tools: ["run_javascript", "http"] },
      { taskId: "tsk_2", tools: ["http"] },
    ],
    runs,
  };
}

let server: Server;
let url: string;
let calls: string[];
/** Accepted calibrations that are not over, as listed. */
let listed: object[];
/** What is quoted, and what each reading answers in turn; the last stays. */
let quoted: readonly Run[];
let readings: object[];

beforeAll(async () => {
  server = createServer((request, response) => {
    void (async () => {
      const { status, body } = await answer(request);
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  calls = [];
  listed = [];
  quoted = QUOTED;
  readings = [calibration("running", QUOTED), calibration("ended", ENDED)];
});
afterAll(() => server.close());

async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const what = `${request.method} ${request.url?.replace(ROOT, "")}`;
  const body = await text(request);
  calls.push(`${what} ${body}`.trim());
  switch (what) {
    case "GET /calibrations":
      return { status: 200, body: { data: listed } };
    case "POST /calibrations":
      return { status: 201, body: calibration("quoted", quoted) };
    case `POST /calibrations/${ID}/accept`:
      return { status: 200, body: calibration("running", QUOTED) };
    case `GET /calibrations/${ID}`:
      return { status: 200, body: readings.length > 1 ? readings.shift() : readings[0] };
    case "GET /training":
      return { status: 200, body: { auctions: [], nextCursor: null, weights: null } };
    default:
      return { status: 404, body: {} };
  }
}

const calibrate = async (...args: readonly string[]) =>
  fit(["--tenant", TENANT, "--url", url, "--calibrate", "5", ...args], SECRET);
const ACCEPT = `POST /calibrations/${ID}/accept`;
const FITTED = "At least 30 usable auctions are needed: 30 missing.";

describe("npm run fit -- --calibrate N", () => {
  test("without a terminal and without --yes: the quote, what to add, nothing run, exit 0", async () => {
    const { code, out, err } = await calibrate();
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("2 past tasks to calibrate, of 9 looked at: 3 fewer than asked for");
    expect(out).toMatch(/ 4 {2}left out: what every agent does on it is known/);
    expect(out).toMatch(/ 3 {2}left out: the task's room is gone/);
    expect(out).not.toContain("not every agent of the pool");
    expect(out).toMatch(/agt_small +2 +\$0\.000060 +\$0\.000120 +mean of its 1 trace\n/);
    expect(out).toMatch(/agt_large +1 +\$0\.005000 +\$0\.005000 +7 traces of others, scaled by price\n/);
    expect(out).toMatch(/all +3 +\$0\.005120/);
    expect(out).toContain("At most $0.900000");
    expect(out).toContain("They use tools anew: http, run_javascript.");
    expect(out).toContain("Nothing was run. Add --yes");
    expect(calls).toEqual(["GET /calibrations", 'POST /calibrations {"tasks":5}']);
  });

  test("--yes: accepts, waits with progress, says what the runs did and cost, then fits", async () => {
    const { code, out, err } = await calibrate("--yes");
    expect([code, err]).toEqual([0, ""]);
    expect(calls.filter((one) => one === ACCEPT)).toHaveLength(1);
    expect(out).toContain("0 of 3 runs ended, 0 under way\n");
    expect(out).toContain("2 of 3 runs ended, 0 under way, 1 skipped\n");
    expect(out).toMatch(/agt_small +1 +1 +0 +0 +\$0\.000120 +\$0\.000250\n/);
    expect(out).toMatch(/agt_large +0 +0 +0 +1 +\$0\.005000 +\$0\.000000\n/);
    expect(out).toMatch(/all +\$0\.005120 +\$0\.000250\n/);
    expect(out).toMatch(/ 1 {2}not run: the task's room is gone/);
    expect(calls.at(-1)).toBe("GET /training");
    expect(out).toContain(FITTED);
  });

  test("--wait: says that the runs go on, and exits 1; the next call waits for them and begins none", async () => {
    readings = [calibration("running", QUOTED)];
    const late = await calibrate("--yes", "--wait", "0");
    expect(late.code).toBe(1);
    expect(late.err).toContain(`calibration ${ID} still runs after 0 s; the same command again`);
    expect(calls).not.toContain("GET /training");

    calls = [];
    listed = [calibration("running", QUOTED)];
    readings = [calibration("ended", ENDED)];
    const again = await calibrate();
    expect(again.code).toBe(0);
    expect(again.out).toContain(`Calibration ${ID} was accepted before and is under way`);
    expect(again.out).toContain(FITTED);
    expect(calls).toEqual(["GET /calibrations", `GET /calibrations/${ID}`, "GET /training"]);
  });

  test("nothing to run: says why, accepts nothing, and fits what there is", async () => {
    quoted = [];
    const { code, out } = await calibrate("--yes");
    expect(code).toBe(0);
    expect(out).toContain("There is nothing to run.");
    expect(out).toContain(FITTED);
    expect(calls).not.toContain(ACCEPT);
  });
});
