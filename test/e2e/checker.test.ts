/**
 * A tenant's own checker on the whole stack: it verifies what it is sent with the library, answers at once or later, fails,
 * hangs, talks nonsense, leads elsewhere; and everything is killed while it is waited for.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Webhook } from "standardwebhooks";
import { createTenant } from "../../emulators/stack/operator.ts";
import { claimPort, LOOPBACK } from "../../emulators/stack/ports.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";

type Answer = (response: ServerResponse, asked: Asked) => void;

interface Asked {
  readonly id: string;
  readonly data: {
    readonly taskId: string;
    readonly result: string;
    readonly callback: { readonly path: string; readonly token: string };
  };
}

let directory: string;
let stack: SpawnedStack;
let server: Server;
let origin: string;
let secret: string;
let key: string;
/** Paths stand for ways to answer; each try takes the next. */
const answers = new Map<string, Answer[]>();
const asked = new Map<string, Asked[]>();
const unsigned: string[] = [];

const start = async () =>
  spawnStack({
    directory,
    port: 0,
    emulatorPort: 0,
    quiet: true,
    vars: { WEBHOOK_ALLOW_LIST: origin },
    emulatorVars: { LATENCY_SCALE: "0.02" },
  });

function receive(request: IncomingMessage, response: ServerResponse): void {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => (body += chunk));
  request.on("end", () => {
    const path = request.url ?? "";
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, v]) => [name, String(v)]));
    try {
      const { data } = new Webhook(secret).verify(body, headers) as Pick<Asked, "data">;
      const one = { id: headers["webhook-id"] ?? "", data };
      asked.set(path, [...(asked.get(path) ?? []), one]);
      const answer = answers.get(path)?.shift();
      if (answer === undefined) response.writeHead(404).end();
      else answer(response, one);
    } catch (error) {
      unsigned.push(`${path}: ${String(error)}`);
      response.writeHead(401).end();
    }
  });
}

const json =
  (body: unknown, status = 200): Answer =>
  (response) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-checker-"));
  const port = await claimPort(0);
  origin = `http://${LOOPBACK}:${port}`;
  server = createServer(receive);
  await new Promise<void>((resolve) => void server.listen(port, LOOPBACK, resolve));
  stack = await start();
  ({ key } = await createTenant(stack, { name: "checked" }));
  ({ secret } = (await api("/v1/verifier-secret")) as { secret: string });
}, 120_000);
afterAll(async () => {
  await stack.stop();
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

async function api(path: string, init: RequestInit = {}, auth = key): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${auth}`, "content-type": "application/json" };
  const response = await fetch(`${stack.url}${path}`, { ...init, headers });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json() as Promise<Record<string, unknown>>;
}

/** A task whose checker answers so, one try after the other. */
async function submit(name: string, ways: readonly Answer[], timeoutS = 3_600): Promise<string> {
  const path = `/${name}`;
  answers.set(path, [...ways]);
  const body = JSON.stringify({
    prompt: "Say how many legs a spider has.",
    policy: "cheapest",
    verifier: { type: "http", url: `${origin}${path}`, timeoutS },
  });
  return String((await api("/v1/tasks", { method: "POST", body }))["id"]);
}

const read = async (id: string) => api(`/v1/tasks/${id}`);

async function until(id: string, state: string, waitMs = 60_000): Promise<Record<string, unknown>> {
  const untilMs = Date.now() + waitMs;
  for (;;) {
    const task = await read(id);
    if (task["state"] === state) return task;
    if (Date.now() > untilMs) throw new Error(`still ${JSON.stringify(task)}`);
    await sleep(100);
  }
}

test("a checker that answers decides, and was sent the result under a signature that its library takes", async () => {
  const id = await submit("sync", [json({ outcome: "fail", evidence: "eight was expected" })]);
  expect(await until(id, "finished")).toMatchObject({
    outcome: "fail",
    verdict: { outcome: "fail", verifier: "http", evidence: "eight was expected" },
  });
  const [one] = asked.get("/sync") ?? [];
  expect(one).toMatchObject({ id: `${id}-1`, data: { taskId: id, result: (await read(id))["result"] } });
  expect(unsigned).toEqual([]);
});

test("a checker that takes the work on tells the outcome later, with its token, also after everything was killed", async () => {
  const id = await submit("async", [json({}, 202)]);
  const waiting = await until(id, "waiting");
  expect(waiting).toMatchObject({ waitsFor: "checker", verdict: null });
  await stack.kill();
  stack = await start();
  expect(await read(id)).toMatchObject({ state: "waiting", waitsUntil: waiting["waitsUntil"] });
  const { callback } = asked.get("/async")?.[0]?.data ?? never();
  const body = JSON.stringify({ outcome: "pass", evidence: "built and green" });
  const told = await api(callback.path, { method: "POST", body }, callback.token);
  expect(told).toMatchObject({ object: "outcome", taskId: id, attempt: 1, outcome: "pass" });
  expect(await api(callback.path, { method: "POST", body }, callback.token)).toEqual(told);
  expect(await until(id, "finished")).toMatchObject({ outcome: "pass" });
}, 120_000);

test("a checker that fails, talks nonsense or leads elsewhere is asked again under the same id", async () => {
  const elsewhere: Answer = (response) =>
    void response.writeHead(302, { location: `${origin}/elsewhere` }).end();
  const nonsense: Answer = (response) => void response.writeHead(200).end("<html>ok</html>");
  const flood: Answer = (response) => void response.writeHead(200).end("x".repeat(200_000));
  const cut: Answer = (response) => void response.socket?.destroy();
  const right = json({ outcome: "pass" });
  const ids = await Promise.all([
    submit("fails", [json({}, 500), right]),
    submit("nonsense", [nonsense, right]),
    submit("redirects", [elsewhere, right]),
    submit("floods", [flood, right]),
    submit("cuts", [cut, right]),
  ]);
  for (const id of ids) expect(await until(id, "finished")).toMatchObject({ outcome: "pass" });
  for (const path of ["/fails", "/nonsense", "/redirects", "/floods", "/cuts"]) {
    expect(new Set(asked.get(path)?.map((one) => one.id)).size).toBe(1);
    expect(asked.get(path)).toHaveLength(2);
  }
  expect(asked.has("/elsewhere")).toBe(false);
}, 120_000);

test("a checker that hangs delays nobody, and is given up when its time is over", async () => {
  const hang: Answer = () => undefined;
  const id = await submit("hangs", [hang, hang], 10);
  await until(id, "verifying");
  const other = await submit("quick", [json({ outcome: "pass" })]);
  expect(await until(other, "finished")).toMatchObject({ outcome: "pass" });
  expect(await until(id, "finished")).toMatchObject({
    outcome: "unknown",
    verdict: { verifier: "http", evidence: "the checker told no outcome in time" },
  });
}, 120_000);

function never(): never {
  throw new Error("nobody was asked");
}
