/**
 * A tenant's own tools on the whole stack: a plain HTTP endpoint and a real MCP server on this machine, which the
 * operator's list allows, called by a model's tool calls, beside a search
 * provider; and neither the Worker's log nor the task shows a secret.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSettledTask } from "../../emulators/demo/api.ts";
import { claimPort, LOOPBACK } from "../../emulators/stack/ports.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import { servedWorld, sessionServer } from "../support/mcp-servers.ts";

const SECRET = "Bearer sesame-4711-narwhal";
const AGENT = {
  id: "agt_caller",
  name: "caller",
  model: "caller",
  provider: "openai-compatible",
  usdPerMtok: { input: 1, output: 4 },
  priceSource: "made up for this test",
  contextTokens: 32_768,
  maxOutputTokens: 4_096,
};
/** In this order, each with what it is called with. */
const CALLS = [
  ["orders", { id: "o-7" }],
  ["shop__lookup_order", { id: "o-8" }],
  ["shop__echo", {}],
  ["web_search", { query: "narwhal shipping", count: 1 }],
] as const;
const SEARCH_KEY = "brave-9d31-key";

let directory: string;
let stack: SpawnedStack;
let server: Server;
let origin: string;
const served = servedWorld();
const mcp = sessionServer(served);
const ordered: {
  readonly key: string | undefined;
  readonly auth: string | undefined;
  readonly body: string;
}[] = [];

const searched: { readonly url: string; readonly token: string }[] = [];

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  request.setEncoding("utf8");
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** A model that calls one tool after the other, and hands in what the last one answered. */
function chunksOf(body: string): object[] {
  const { messages } = JSON.parse(body) as {
    readonly messages: { readonly role: string; readonly content: unknown }[];
  };
  const answers = messages.filter(({ role }) => role === "tool");
  const next = CALLS[answers.length];
  const id = `call-${answers.length}`;
  const delta =
    next === undefined
      ? { role: "assistant", content: answers.map(({ content }) => JSON.stringify(content)).join("\n") }
      : {
          role: "assistant",
          tool_calls: [
            {
              index: 0,
              id,
              type: "function",
              function: { name: next[0], arguments: JSON.stringify(next[1]) },
            },
          ],
        };
  const chunk = { id: "c", object: "chat.completion.chunk", created: 0, model: "caller" };
  return [
    { ...chunk, choices: [{ index: 0, delta, finish_reason: null }] },
    {
      ...chunk,
      choices: [{ index: 0, delta: {}, finish_reason: next === undefined ? "stop" : "tool_calls" }],
    },
    { ...chunk, choices: [], usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } },
  ];
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  if (request.url === "/v1/chat/completions") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const chunk of chunksOf(body)) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    response.end("data: [DONE]\n\n");
    return;
  }
  if (request.url === "/orders") {
    const key = request.headers["idempotency-key"];
    ordered.push({ key: String(key), auth: request.headers.authorization, body });
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ state: "shipped" }));
    return;
  }
  if (request.url?.startsWith("/res/v1/web/search") === true) {
    searched.push({ url: request.url, token: String(request.headers["x-subscription-token"]) });
    const found = { title: "Narwhals", url: "https://example.org/n", description: "They ship on Mondays." };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ web: { results: [found] } }));
    return;
  }
  const method = request.method ?? "GET";
  const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const asked = new Request(`${origin}${request.url}`, { method, headers, ...(body !== "" && { body }) });
  const said = await mcp.serve(asked);
  response.writeHead(said.status, Object.fromEntries(said.headers));
  if (said.body !== null) for await (const chunk of said.body) response.write(chunk);
  response.end();
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-tools-"));
  const port = await claimPort(0);
  origin = `http://${LOOPBACK}:${port}`;
  server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => void server.listen(port, LOOPBACK, resolve));
  stack = await spawnStack({
    directory,
    port: 0,
    emulatorPort: 0,
    quiet: true,
    vars: { TOOL_ALLOW_LIST: origin, BRAVE_API_KEY: SEARCH_KEY, SEARCH_BASE_URL: origin },
  });
}, 120_000);
afterAll(async () => {
  await stack.stop();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

async function send(secret: string, path: string, body: object): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  const response = await fetch(`${stack.url}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

test("a model calls its tenant's endpoint and MCP server, with the secret and a key for each call", async () => {
  const pool = [{ ...AGENT, baseUrl: `${origin}/v1` }];
  const tenant = await send(stack.adminSecret, "/admin/tenants", { name: "shop", pool });
  const made = await send(stack.adminSecret, `/admin/tenants/${String(tenant["id"])}/keys`, { name: "k" });
  const key = String(made["key"]);
  const secretHeader = { name: "Authorization", value: SECRET };
  const inputSchema = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
  const http = { type: "http", name: "orders", description: "State of an order.", url: `${origin}/orders` };
  await send(key, "/v1/tools", { ...http, inputSchema, secretHeader });
  const listed = await send(key, "/v1/tools", {
    type: "mcp",
    name: "shop",
    url: `${origin}/mcp`,
    secretHeader,
  });
  expect(listed).toMatchObject({ problem: null, tools: expect.arrayContaining([]) });

  const task = {
    prompt: "Where are my orders?",
    tools: ["orders", "shop", "web_search"],
    policy: `always:${AGENT.id}`,
  };
  const taskId = String((await send(key, "/v1/tasks", task))["id"]);
  const settled = await readSettledTask({ url: stack.url, key }, taskId, 60_000);
  expect(settled).toMatchObject({ state: "finished" });
  const read = async (path: string) => {
    const response = await fetch(`${stack.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
    return response.text();
  };
  const result = await read(`/v1/tasks/${taskId}`);
  expect(result).toContain("shipped");
  expect(result).toContain("order o-8: shipped");
  expect(result).toContain("[secret]");
  expect(result).toContain("They ship on Mondays.");
  expect(searched).toMatchObject([{ url: expect.stringContaining("q=narwhal+shipping"), token: SEARCH_KEY }]);
  expect(ordered).toEqual([{ key: `${taskId}-1-1-0`, auth: SECRET, body: '{"id":"o-7"}' }]);
  expect(served.calls).toMatchObject([
    { name: "lookup.order", args: { id: "o-8" }, meta: { "saleroom/idempotency-key": `${taskId}-1-2-0` } },
  ]);
  const [log, trace] = [
    await readFile(join(directory, "worker.log"), "utf8"),
    await read(`/v1/tasks/${taskId}/trace`),
  ];
  for (const text of [log, trace, result]) {
    expect(text).not.toContain("sesame");
    expect(text).not.toContain(SEARCH_KEY);
  }
  // Whatever a slice opened, it has closed: its last words may come after the task's end.
  for (let tries = 0; mcp.open() > 0 && tries < 100; tries += 1) await sleep(50);
  expect(mcp.open()).toBe(0);
}, 120_000);
