/** Saleroom's API as the demo sees it, on a real HTTP server: every task plays one journal. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TaskEvent } from "../../../src/market/event.ts";
import { apiTask, apiTrace, passedJournal } from "./support.ts";

export interface FakeOptions {
  readonly events?: (taskId: string) => readonly TaskEvent[];
  /** Ends every stream after this many events. */
  readonly eventsPerStream?: number;
  /** Refuses this many submissions with 503 first. */
  readonly refusals?: number;
}

export interface FakeSaleroom {
  readonly url: string;
  readonly submissions: { readonly key: string; readonly body: unknown }[];
  /** `Last-Event-ID` of each stream, in order. */
  readonly streams: string[];
  /** Most tasks whose last event was not read yet. */
  mostAtOnce(): number;
  close(): Promise<void>;
}

export async function fakeSaleroom(options: FakeOptions = {}): Promise<FakeSaleroom> {
  const submissions: { key: string; body: unknown }[] = [];
  const byKey = new Map<string, string>();
  const streams: string[] = [];
  const open = new Set<string>();
  let most = 0;
  let refusals = options.refusals ?? 0;

  const submit = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const key = String(request.headers["idempotency-key"]);
    submissions.push({ key, body: JSON.parse(Buffer.concat(chunks).toString()) });
    const id = byKey.get(key) ?? `tsk_${byKey.size + 1}`;
    byKey.set(key, id);
    if (refusals > 0) {
      refusals -= 1;
      json(response, 503, { error: { code: "unavailable" } });
      return;
    }
    open.add(id);
    most = Math.max(most, open.size);
    json(response, 202, { id, state: "admitted" });
  };

  const stream = (taskId: string, request: IncomingMessage, response: ServerResponse) => {
    const lastId = String(request.headers["last-event-id"] ?? "");
    streams.push(lastId);
    const all = (options.events ?? passedJournal)(taskId);
    const rest = all.filter((event) => event.seq > Number(lastId || 0)).slice(0, options.eventsPerStream);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": heartbeat\n\n");
    for (const event of rest)
      response.write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    if (rest.at(-1)?.seq === all.at(-1)?.seq) open.delete(taskId);
    response.end();
  };

  const server = createServer((request, response) => {
    const [path = "", taskId = ""] = /^\/v1\/tasks\/([^/]+)/.exec(request.url ?? "") ?? [];
    if (request.headers.authorization !== "Bearer sr_test")
      json(response, 401, { error: { code: "unauthenticated" } });
    else if (request.method === "POST") void submit(request, response);
    else if (request.url === "/v1/agents") json(response, 200, { agents: [] });
    else if (request.url?.endsWith("/events")) stream(taskId, request, response);
    else if (request.url?.endsWith("/trace")) json(response, 200, apiTrace());
    else if (path !== "") json(response, 200, apiTask(taskId));
    else json(response, 404, { error: { code: "route_not_found" } });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    submissions,
    streams,
    mostAtOnce: () => most,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
