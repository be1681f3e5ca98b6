/** One client with one task (or quote): submits, follows, cancels, asks again, and notes what it was told. */
import { setTimeout as sleep } from "node:timers/promises";
import { followEvents } from "../../emulators/demo/follow-events.ts";
import type { TextEvent } from "../../src/market/live-text.ts";
import { FINAL_STATES } from "../../src/market/task.ts";
import { NOTHING_VISIBLE, showEvent } from "../../src/market/visible-text.ts";
import type { Client } from "./client.ts";
import type { Acknowledged, Heard } from "./evidence.ts";
import type { Errand } from "./workload.ts";

export interface ErrandWorld {
  readonly client: Client;
  readonly url: string;
  readonly tenantId: string;
  readonly key: string;
}

export interface ErrandDone {
  /** Null: it was refused, and nothing was admitted. */
  readonly acknowledged: Acknowledged | null;
  readonly refusal: string | null;
  readonly heard: Heard | null;
}

interface TaskLook {
  readonly state: string;
  readonly quote: object | null;
  readonly attempts: number;
}

/** Of a quote that nobody accepts. */
const LEFT_S = 10;
/** A Worker that is killed every few seconds may bring nothing new for long. */
const FRUITLESS = 2_000;
const LOOK_AGAIN_MS = 300;

export async function runErrand(world: ErrandWorld, errand: Errand): Promise<ErrandDone> {
  const first = await submit(world, errand);
  if (first.taskId === null) return { acknowledged: null, refusal: first.refusal, heard: null };
  const { taskId } = first;
  const taskIds = [taskId];
  const [heard] = await Promise.all([
    listen(world, errand, taskId),
    again(world, errand, taskIds),
    errand.cancelAfterMs === null
      ? null
      : cancel(world, taskId, { ...errand, afterMs: errand.cancelAfterMs }),
    errand.quote === null ? null : deal(world, errand, taskId),
    ended(world, errand, taskId),
  ]);
  const acknowledged = { tenantId: world.tenantId, key: errand.idempotencyKey, taskIds };
  return { acknowledged, refusal: null, heard };
}

async function submit(
  { client, key }: ErrandWorld,
  { input, quote, idempotencyKey }: Errand,
): Promise<{ readonly taskId: string | null; readonly refusal: string | null }> {
  const body = quote === null ? input : { ...input, expiresInS: quote === "left" ? LEFT_S : 3_600 };
  const path = quote === null ? "/v1/tasks" : "/v1/quotes";
  const answer = await client.ask({ method: "POST", path, bearer: key, body, idempotencyKey });
  const json = answer.json ?? {};
  const id = quote === null ? json["id"] : json["taskId"];
  if (answer.status >= 300 || typeof id !== "string") {
    const { code } = (json["error"] ?? {}) as { readonly code?: string };
    return { taskId: null, refusal: code ?? String(answer.status) };
  }
  return { taskId: id, refusal: null };
}

/** The same key again, as a client does that lost its answer: now and once the task is long under way. */
async function again(world: ErrandWorld, errand: Errand, taskIds: string[]): Promise<void> {
  if (errand.asksAgainAfterMs === null) return;
  await sleep(errand.asksAgainAfterMs);
  const { taskId } = await submit(world, errand);
  taskIds.push(taskId ?? "refused");
}

async function listen({ url, key }: ErrandWorld, { listens }: Errand, taskId: string): Promise<Heard | null> {
  if (listens === null) return null;
  const hearsText = listens === "text";
  const seqs: number[] = [];
  const types: string[] = [];
  let shown = NOTHING_VISIBLE;
  const onText = (event: TextEvent): void => void (shown = showEvent(shown, event));
  const followed = { access: { url, key }, taskId, maxFruitless: FRUITLESS, ...(hearsText && { onText }) };
  for await (const event of followEvents(followed)) {
    seqs.push(event.seq);
    types.push(event.type);
    shown = showEvent(shown, event);
  }
  return { taskId, seqs, types, shown: hearsText ? shown.committed : null };
}

/** Or it is past that. */
async function untilIn(
  { client, key }: ErrandWorld,
  taskId: string,
  wanted: "bidding" | "running",
): Promise<void> {
  const before = wanted === "bidding" ? ["admitted"] : ["admitted", "bidding", "awarded"];
  for (;;) {
    const { json } = await client.ask({ method: "GET", path: `/v1/tasks/${taskId}`, bearer: key });
    if (!before.includes(String(json?.["state"]))) return;
    await sleep(LOOK_AGAIN_MS / 6);
  }
}

async function cancel(
  world: ErrandWorld,
  taskId: string,
  { afterMs, cancelsIn }: Pick<Errand, "cancelsIn"> & { readonly afterMs: number },
): Promise<void> {
  if (cancelsIn !== null) await untilIn(world, taskId, cancelsIn);
  // Auctions and traces are short here.
  await sleep(cancelsIn === null ? afterMs : afterMs / 20);
  await world.client.ask({ method: "POST", path: `/v1/tasks/${taskId}/cancel`, bearer: world.key });
}

async function deal({ client, key }: ErrandWorld, { quote }: Errand, taskId: string): Promise<void> {
  if (quote === "left") return;
  const path = `/v1/quotes/${taskId.replace("tsk_", "quo_")}`;
  for (;;) {
    const { json } = await client.ask({ method: "GET", path, bearer: key });
    if (json?.["state"] !== "bidding") break;
    await sleep(LOOK_AGAIN_MS);
  }
  const act = async (name: string) => client.ask({ method: "POST", path: `${path}/${name}`, bearer: key });
  // What cannot be accepted would be listened to for an hour.
  if (quote === "cancelled" || (await act("accept")).status >= 300) await act("cancel");
}

/** Answers its verifier's question on the way, once for each attempt. */
async function ended(
  { client, key }: ErrandWorld,
  { verdict, input }: Errand,
  taskId: string,
): Promise<void> {
  for (;;) {
    const { json } = await client.ask({ method: "GET", path: `/v1/tasks/${taskId}`, bearer: key });
    const { state = "", quote, attempts } = (json ?? {}) as Partial<TaskLook>;
    if (state === "waiting" && input.verifier?.type === "user" && verdict !== null) {
      const path = `/v1/tasks/${taskId}/outcome`;
      const body = { outcome: verdict, attempt: attempts };
      const idempotencyKey = `${taskId}-${attempts ?? 0}`;
      await client.ask({ method: "POST", path, bearer: key, body, idempotencyKey });
    }
    if ((FINAL_STATES as readonly string[]).includes(state)) return;
    // What nobody accepts ends when the clock is put forward.
    if (quote != null && state === "quoted") return;
    await sleep(LOOK_AGAIN_MS);
  }
}
