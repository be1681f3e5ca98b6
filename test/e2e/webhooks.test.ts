/**
 * A webhook on the whole stack: a task that finishes reaches a receiver on this machine, which the operator's list allows,
 * signed; a receiver that fails first is tried again, also where everything was killed between; and the Worker's log
 * names neither address nor secret.
 */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Webhook } from "standardwebhooks";
import { readSettledTask, submitTask } from "../../emulators/demo/api.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { claimPort, LOOPBACK } from "../../emulators/stack/ports.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import { promptAt, workload } from "../../emulators/workload/index.ts";

const TOKEN = "narwhal-4411";

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let directory: string;
let stack: SpawnedStack;
let receiver: Server;
let origin: string;
let statuses: number[] = [];
let received: Received[] = [];

const start = async () =>
  spawnStack({
    directory,
    port: 0,
    emulatorPort: 0,
    quiet: true,
    vars: { WEBHOOK_ALLOW_LIST: origin },
    emulatorVars: { LATENCY_SCALE: "0.02" },
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-webhooks-"));
  const port = await claimPort(0);
  origin = `http://${LOOPBACK}:${port}`;
  receiver = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 204).end();
    });
  });
  await new Promise<void>((resolve) => void receiver.listen(port, LOOPBACK, resolve));
  stack = await start();
}, 120_000);
afterAll(async () => {
  await stack.stop();
  receiver.close();
  await rm(directory, { recursive: true, force: true });
});

const request = async (key: string, path: string, init: RequestInit = {}) => {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(`${stack.url}${path}`, { ...init, headers });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json() as Promise<Record<string, unknown>>;
};

async function until(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error("it did not come to that");
    await sleep(50);
  }
}

function verified(secret: string, { body, headers }: Received) {
  return new Webhook(secret).verify(body, headers as Record<string, string>) as Record<string, unknown>;
}

test("a finished task reaches its tenant's receiver, signed, once", async () => {
  const { key } = await createTenant(stack, { name: "listening" });
  const made = await request(key, "/v1/webhooks", {
    method: "POST",
    body: JSON.stringify({ url: `${origin}/hook?token=${TOKEN}`, events: ["task.finished"] }),
  });
  const [task] = workload;
  if (task === undefined) throw new Error("no workload");
  const taskId = await submitTask(
    { url: stack.url, key },
    { prompt: promptAt(task, `${stack.emulatorUrl}/docs`), verifier: task.verifier },
  );
  const settled = await readSettledTask({ url: stack.url, key }, taskId, 60_000);
  await until(() => received.length > 0, 10_000);
  const [got] = received;
  if (got === undefined) throw new Error("nothing was received");
  expect(verified(String(made["secret"]), got)).toMatchObject({
    type: "task.finished",
    data: { taskId, state: "finished", outcome: settled.outcome, agentId: settled.agentId },
  });
  const deliveries = async () =>
    (await request(key, `/v1/webhooks/${String(made["id"])}/deliveries`))["data"];
  await until(async () => JSON.stringify(await deliveries()).includes('"state":"delivered"'), 10_000);
  expect(await deliveries()).toMatchObject([{ id: got.headers["webhook-id"], state: "delivered" }]);
  expect(received).toHaveLength(1);

  const log = await readFile(join(directory, "worker.log"), "utf8");
  const secret = String(made["secret"]);
  for (const hidden of [TOKEN, secret, secret.slice("whsec_".length)]) expect(log).not.toContain(hidden);
}, 120_000);

test("an event that failed comes again, though everything was killed between", async () => {
  const { key } = await createTenant(stack, { name: "patient" });
  const made = await request(key, "/v1/webhooks", {
    method: "POST",
    body: JSON.stringify({ url: `${origin}/hook` }),
  });
  received = [];
  statuses = [500];
  const path = `/v1/webhooks/${String(made["id"])}`;
  const tested = await request(key, `${path}/test`, { method: "POST" });
  await until(async () => {
    const shown = await request(key, `${path}/deliveries`);
    return JSON.stringify(shown).includes('"status":500');
  }, 10_000);
  await stack.kill();
  stack = await start();
  await until(() => received.length > 1, 40_000);
  expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([tested["id"], tested["id"]]);
  for (const one of received)
    expect(verified(String(made["secret"]), one)).toMatchObject({ type: "webhook.test" });
}, 180_000);
