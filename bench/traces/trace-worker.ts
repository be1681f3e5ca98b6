/**
 * Saleroom with every slice in an invocation of its own, as the platform's concurrent consumers run them: local queues
 * hand out one batch at a time. What is sent to the work queue goes to the bench, which brings it back as a request.
 *
 * Beside it: when a model's answers began and ended as the Worker saw it, how long a step's tools ran, and a bare
 * transaction to compare with.
 */
import saleroom, * as house from "../../src/index.ts";
import { queueAt, takeDelivery } from "../queue/delivery.ts";
import type { CallTimes } from "./step-times.ts";

export const { CallHelper } = house;

export class MarketRoom extends house.MarketRoom {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, ownQueue(env));
  }
}

/** A task's room, and under another name an object that does one bare transaction. */
export class TaskRoom extends house.TaskRoom {
  readonly #answeredMs = new Map<number, number>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, ownQueue(env));
  }

  override async commitAnswer(...given: Parameters<house.TaskRoom["commitAnswer"]>) {
    const answer = await super.commitAnswer(...given);
    this.#answeredMs.set(given[2].step, nowMs());
    return answer;
  }

  override async commitTools(...given: Parameters<house.TaskRoom["commitTools"]>) {
    const [, step] = given;
    const sinceMs = this.#answeredMs.get(step);
    if (sinceMs !== undefined)
      tools[`${this.ctx.id.name?.split("/")[1]}/${step}`] = { ms: nowMs() - sinceMs };
    return super.commitTools(...given);
  }

  async bare(body: string): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      this.ctx.storage.sql.exec(
        "CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
      );
      this.ctx.storage.sql.exec("INSERT INTO bare (body) VALUES (?)", body);
    });
  }
}

const envs = new WeakMap<object, Env>();

function ownQueue(env: Env): Env {
  const known = envs.get(env);
  if (known !== undefined) return known;
  const url = String(Reflect.get(env, "BENCH_QUEUE_URL"));
  const made = { ...env, WORK_QUEUE: queueAt(url, plainFetch) } as unknown as Env;
  envs.set(env, made);
  return made;
}

const plainFetch = globalThis.fetch;
const calls: Record<string, CallTimes> = {};
/** By task and step: from when its answer was committed until its tools' answers are to be. */
const tools: Record<string, CallTimes> = {};
const nowMs = (): number => performance.timeOrigin + performance.now();

/** An emulated model's answer says which row of its log it is. */
const ROW = /chatcmpl-emulated-(\d+)/;

globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
  const url = input instanceof Request ? input.url : String(input);
  if (!url.endsWith("/chat/completions")) return plainFetch(input, init);
  const beganMs = nowMs();
  const response = await plainFetch(input, init);
  if (response.body === null) return response;
  const decoder = new TextDecoder();
  let row: string | null = null;
  const seen = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        row ??= ROW.exec(decoder.decode(chunk, { stream: true }))?.[1] ?? null;
        controller.enqueue(chunk);
      },
      flush: () => {
        if (row !== null) calls[row] = { ms: nowMs() - beganMs };
      },
    }),
  );
  return new Response(seen, response);
};

interface Bare {
  bare(body: string): Promise<void>;
}

async function bareTransaction(env: Env): Promise<Response> {
  const room = env.TASK_ROOM.get(env.TASK_ROOM.idFromName("bare")) as unknown as Bare;
  const beganMs = performance.now();
  await room.bare("x".repeat(200));
  return Response.json({ ms: performance.now() - beganMs });
}

export default {
  fetch: async (request, env, ctx) => {
    switch (new URL(request.url).pathname) {
      case "/__bench/consume":
        return takeDelivery(request, async (batch) => saleroom.queue(batch, ownQueue(env), ctx));
      case "/__bench/bare":
        return bareTransaction(env);
      case "/__bench/calls":
        return Response.json({ calls, tools });
      default:
        return saleroom.fetch(request, ownQueue(env), ctx);
    }
  },
  queue: async (batch, env, ctx) => saleroom.queue(batch, ownQueue(env), ctx),
  scheduled: async (controller, env, ctx) => saleroom.scheduled(controller, ownQueue(env), ctx),
} satisfies ExportedHandler<Env>;
