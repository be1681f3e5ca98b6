/** `GET /v1/tasks/:id/events`: the journal as server-sent events, read with a client's own codec. */
import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { aCommit, anAbstention } from "../../support/builders.ts";
import {
  appWith,
  call,
  config,
  failedTask,
  holdTask,
  openTenant,
  ORIGIN,
  problemOf,
  type Tenant,
} from "./support.ts";
import { taskStub } from "../stubs.ts";

let tenant: Tenant;
beforeAll(async () => {
  tenant = await openTenant();
});
afterEach(() => {
  vi.useRealTimers();
});

const open = async (id: string, headers: Record<string, string> = {}, query = "") =>
  call(`/v1/tasks/${id}/events${query}`, { headers: { ...tenant.auth, ...headers } });

interface Seen {
  readonly id: number;
  readonly type: string | undefined;
  readonly data: Record<string, unknown>;
}

/** A listener that reads one event after the other, as long as the stream lasts. */
class Listener {
  readonly #reader;

  constructor(response: Response) {
    if (response.status !== 200 || response.body === null) throw new Error(`no stream: ${response.status}`);
    this.#reader = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream())
      .getReader();
  }

  /** The next event; null once the stream has ended. */
  async next(): Promise<Seen | null> {
    const { done, value } = await this.#reader.read();
    if (done) return null;
    return {
      id: Number(value.id),
      type: value.event,
      data: JSON.parse(value.data) as Record<string, unknown>,
    };
  }

  async take(count: number): Promise<Seen[]> {
    const seen: Seen[] = [];
    while (seen.length < count) {
      const event = await this.next();
      if (event === null) throw new Error(`the stream ended after ${seen.length} events`);
      seen.push(event);
    }
    return seen;
  }

  async rest(): Promise<Seen[]> {
    const seen: Seen[] = [];
    for (let event = await this.next(); event !== null; event = await this.next()) seen.push(event);
    return seen;
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}

const ids = (events: readonly Seen[]) => events.map((event) => event.id);

/** The task's auction begins; each call of `abstain` is one more event. */
async function beginAuction(id: TaskId): Promise<{ abstain(index: number): Promise<void> }> {
  const room = tenant.room(id);
  const begun = await room.beginAuction(1, null);
  if (!begun.ok) throw new Error(begun.failure.reason);
  const { pool } = begun.value.opening;
  return {
    abstain: async (index) => {
      const agent = pool[index];
      if (agent === undefined) throw new Error("the pool has no such agent");
      const ended = { callId: newId("cal", config.source), bill: { status: "refused" }, ms: 1 } as const;
      const bid = anAbstention({ agentId: agent.id });
      await room.commitAuction(1, aCommit({ bids: [{ call: ended, bid }] }));
    },
  };
}

describe("the stream of a task", () => {
  test("is framed as server-sent events: when to come back, then one event a block", async () => {
    const id = await failedTask(tenant);
    const response = await open(id);
    expect(response.headers.get("Content-Type")).toMatch(/^text\/event-stream/);
    const [head, ...blocks] = (await response.text()).trimEnd().split("\n\n");
    expect(head).toBe("retry: 2000");
    const view = await tenant.room(id).view();
    expect(blocks).toHaveLength(view?.lastEvent ?? 0);
    for (const [at, block] of blocks.entries()) {
      const fields = block.split("\n").map((line) => line.slice(0, line.indexOf(": ")));
      expect(fields.toSorted()).toEqual(["data", "event", "id"]);
      expect(block.split("\n")).toContain(`id: ${at + 1}`);
    }
  });

  test("is neither stored nor changed on its way: a proxy that compresses would hold events back", async () => {
    const response = await open(await failedTask(tenant));
    expect(response.headers.get("Cache-Control")).toBe("no-cache, no-transform");
    expect(response.headers.get("X-Accel-Buffering")).toBe("no");
    await response.body?.cancel();
  });

  test("tells each event with its number, its type and its time, from the first to the last", async () => {
    const id = await failedTask(tenant);
    const events = await new Listener(await open(id)).rest();
    expect(ids(events)).toEqual(events.map((_, at) => at + 1));
    expect(events[0]).toMatchObject({ type: "task-admitted", data: { type: "task-admitted", taskId: id } });
    expect(events.at(-1)).toMatchObject({ type: "task-failed", data: { reason: "no_bids" } });
    for (const event of events) {
      expect(event.data).toMatchObject({ seq: event.id, type: event.type, atMs: expect.any(Number) });
    }
  });

  test("goes on while the task does, and closes after its last event", async () => {
    const id = await holdTask(tenant);
    const listener = new Listener(await open(id));
    expect(await listener.take(1)).toMatchObject([{ id: 1, type: "task-admitted" }]);
    const auction = await beginAuction(id);
    await auction.abstain(0);
    expect(await listener.take(2)).toMatchObject([
      { id: 2, type: "auction-opened" },
      { id: 3, type: "bid-abstained" },
    ]);
    await tenant.market.cancel(id);
    await tenant.room(id).endAuction(1, "stopped");
    expect(await listener.rest()).toMatchObject([
      { id: 4, type: "cancel-requested" },
      { id: 5, type: "task-cancelled" },
    ]);
  });

  test("tells all its listeners the same, whenever they came", async () => {
    const id = await holdTask(tenant);
    const early = new Listener(await open(id));
    await early.take(1);
    const auction = await beginAuction(id);
    await auction.abstain(0);
    const late = new Listener(await open(id));
    await tenant.market.cancel(id);
    await tenant.room(id).endAuction(1, "stopped");
    expect(ids(await early.rest())).toEqual([2, 3, 4, 5]);
    expect(ids(await late.rest())).toEqual([1, 2, 3, 4, 5]);
  });

  /** Called here and not through the runtime: a timer may only write to a stream of the request that set it. */
  const openHere = async (id: string): Promise<Response> => {
    const request = new Request(`${ORIGIN}/v1/tasks/${id}/events`, { headers: tenant.auth });
    return appWith(config).fetch(request, env, createExecutionContext());
  };

  test("is kept open by a comment while nothing happens", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const response = await openHere(await holdTask(tenant));
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const readUntil = async (wanted: string) => {
      while (!text.includes(wanted)) text += (await reader?.read())?.value ?? "";
    };
    await readUntil("task-admitted");
    vi.advanceTimersByTime(15_000);
    await readUntil(": heartbeat\n\n");
    expect(text.split(": heartbeat\n\n")).toHaveLength(2);
    await reader?.cancel();
  });

  test("that a client does not read for a minute is closed, and nothing piles up for it until then", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const id = await holdTask(tenant);
    const room = taskStub(tenant.tenantId, id);
    const listeners = async () => runInDurableObject(room, (_, state) => state.getWebSockets().length);
    const response = await openHere(id);
    await vi.waitFor(async () => expect(await listeners()).toBe(1));
    vi.advanceTimersByTime(60_000);
    expect(await listeners()).toBe(1);
    vi.advanceTimersByTime(15_000);
    await vi.waitFor(async () => expect(await listeners()).toBe(0));
    expect(await response.text()).not.toContain("heartbeat");
  });

  test("that a client leaves is no longer written to: the room forgets the listener", async () => {
    const id = await holdTask(tenant);
    const room = taskStub(tenant.tenantId, id);
    const listeners = async () => runInDurableObject(room, (_, state) => state.getWebSockets().length);
    const listener = new Listener(await open(id));
    await listener.take(1);
    expect(await listeners()).toBe(1);
    await listener.leave();
    await vi.waitFor(async () => expect(await listeners()).toBe(0));
  });

  test("names no variable of the operator's, whatever is wrong with an agent", async () => {
    // In this environment the address of two agents of the pool is not set.
    const id = await failedTask(tenant);
    const told = JSON.stringify(await new Listener(await open(id)).rest());
    const names = config.pool
      .flatMap((agent) => [
        "apiKeySecret" in agent ? agent.apiKeySecret : undefined,
        "baseUrlVariable" in agent ? agent.baseUrlVariable : undefined,
      ])
      .filter((name) => name !== undefined);
    expect(names).not.toEqual([]);
    expect(names.filter((name) => told.includes(name))).toEqual([]);
  });
});

describe("resuming", () => {
  test.each<[string, (after: number) => [headers: Record<string, string>, query: string]]>([
    ["the header", (after) => [{ "Last-Event-ID": String(after) }, ""]],
    ["the query", (after) => [{}, `?after=${after}`]],
  ])("by %s shows every later event once, none twice", async (_, resume) => {
    const id = await failedTask(tenant);
    const all = await new Listener(await open(id)).rest();
    for (const { id: after } of all.slice(0, -1)) {
      const events = await new Listener(await open(id, ...resume(after))).rest();
      expect(events).toEqual(all.slice(after));
    }
  });

  test("again and again, while the task goes on, misses nothing", async () => {
    const id = await holdTask(tenant);
    const seen: Seen[] = [];
    const listen = async (count: number) => {
      const listener = new Listener(await open(id, { "Last-Event-ID": String(seen.at(-1)?.id ?? 0) }));
      seen.push(...(await listener.take(count)));
      await listener.leave();
    };
    await listen(1);
    const auction = await beginAuction(id);
    await listen(1);
    await auction.abstain(0);
    await auction.abstain(1);
    await listen(1);
    await auction.abstain(2);
    await listen(2);
    await tenant.market.cancel(id);
    await tenant.room(id).endAuction(1, "stopped");
    await listen(2);
    expect(ids(seen)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(seen.at(-1)?.type).toBe("task-cancelled");
  });

  test("prefers the header, which a browser sends by itself, to the query of the first request", async () => {
    const id = await failedTask(tenant);
    const events = await new Listener(await open(id, { "Last-Event-ID": "2" }, "?after=1")).rest();
    expect(events[0]?.id).toBe(3);
  });

  test("takes an empty header, as of a client that has seen nothing, for none", async () => {
    const id = await failedTask(tenant);
    for (const [query, first] of [
      ["", 1],
      ["?after=1", 2],
    ] as const) {
      const events = await new Listener(await open(id, { "Last-Event-ID": "" }, query)).rest();
      expect(events[0]?.id).toBe(first);
    }
  });

  test.each([0, 1])(
    "%d past the last event of a task that has ended: 204, nothing to come back for",
    async (past) => {
      const id = await failedTask(tenant);
      const last = (await tenant.room(id).view())?.lastEvent ?? 0;
      const response = await open(id, { "Last-Event-ID": String(last + past) });
      expect(response.status).toBe(204);
      expect(response.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(await response.text()).toBe("");
    },
  );

  test("from the last event of a task that goes on waits for the next", async () => {
    const id = await holdTask(tenant);
    const listener = new Listener(await open(id, { "Last-Event-ID": "1" }));
    await tenant.market.cancel(id);
    expect(ids(await listener.rest())).toEqual([2, 3]);
  });

  const WRONG = ["-1", "1.5", "soon", "1 2", "0x1", "1234567890"];

  test.each(["yes", "1", ""])("with text=%j is refused, and the query is named", async (text) => {
    const response = await open(await holdTask(tenant), {}, `?text=${text}`);
    expect(await problemOf(response)).toEqual({
      status: 400,
      code: "invalid_parameter",
      paths: ["query text"],
    });
  });

  test.each(WRONG)("from %j is refused, and the header is named", async (after) => {
    const response = await open(await holdTask(tenant), { "Last-Event-ID": after });
    const paths = ["header Last-Event-ID"];
    expect(await problemOf(response)).toEqual({ status: 400, code: "invalid_parameter", paths });
  });

  test.each(WRONG)("from %j in the query is refused, and the query is named", async (after) => {
    const response = await open(await holdTask(tenant), {}, `?after=${encodeURIComponent(after)}`);
    expect(await problemOf(response)).toEqual({
      status: 400,
      code: "invalid_parameter",
      paths: ["query after"],
    });
  });
});
