/** Tenants that come and go while the process is killed: what was theirs is to be gone with them. */
import { setTimeout as sleep } from "node:timers/promises";
import { FINAL_STATES } from "../../src/market/task.ts";
import type { Client } from "./client.ts";
import type { GoneSeen } from "./evidence.ts";
import { stateOf } from "./settle.ts";

/** A tenant that was made to be deleted. */
export interface Passed {
  readonly tenantId: string;
  /** Null: it was not acknowledged. */
  taskId: string | null;
  /** Whether its deletion was said to be done. */
  deleted: boolean;
}

export interface PassingWorld {
  readonly client: Client;
  readonly adminSecret: string;
  readonly task: object;
  readonly pool: readonly object[];
  readonly passed: Passed[];
}

const PAUSE_MS = 360;
/** At its task, and at its deletion; a run goes on without them. */
const MOST_LOOKS = 40;
/** What a consumer may hold for that is dead, as far as the rooms know; and more. */
const CLAIM_MS = 16 * 60_000;
/** Of the looks at a deletion after the run, every so many put the clock forward. */
const LOOKS_AT_A_TIME = 5;

/** Made, suspended, resumed, given a task, and deleted with it: half of the tasks have come to their end by then. */
export async function passingTenant(world: PassingWorld, round: number): Promise<void> {
  const { client, adminSecret: bearer, passed } = world;
  if (round % 2 !== 0) return;
  const make = async (path: string, body: object) =>
    client.ask({ method: "POST", path, bearer, body, idempotencyKey: `operator-${path}-${round}` });
  const made = await make("/admin/tenants", { name: `passing ${round}`, pool: world.pool });
  if (made.status !== 201) throw new Error(`a passing tenant was refused: ${made.status}`);
  const passing: Passed = { tenantId: String(made.json?.["id"]), taskId: null, deleted: false };
  passed.push(passing);
  const path = `/admin/tenants/${passing.tenantId}`;
  const key = (await make(`${path}/keys`, { name: "passing" })).json?.["key"];
  await client.ask({ method: "POST", path: `${path}/suspend`, bearer });
  await client.ask({ method: "POST", path: `${path}/resume`, bearer });
  const task = { method: "POST", path: "/v1/tasks", bearer: String(key), body: world.task } as const;
  const asked = await client.ask({ ...task, idempotencyKey: `operator-task-${round}` });
  if (asked.status !== 202) throw new Error(`the task of a passing tenant was refused: ${asked.status}`);
  passing.taskId = String(asked.json?.["id"]);
  if (round % 4 !== 0) await ended(client, `/v1/tasks/${passing.taskId}`, String(key));
  await erase(world, passing, MOST_LOOKS);
}

/** Or hardly moves: what is given up waits for its redrive, and its tenant goes without one. */
async function ended(client: Client, path: string, bearer: string): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    const { json } = await client.ask({ method: "GET", path, bearer });
    if ((FINAL_STATES as readonly unknown[]).includes(json?.["state"])) return;
    await sleep(PAUSE_MS);
  }
}

/** Ends without having deleted it where that needs longer: what a dead consumer holds is held for a quarter of an hour. */
async function erase(
  { client, adminSecret: bearer }: Pick<PassingWorld, "client" | "adminSecret">,
  passing: Passed,
  mostLooks: number,
): Promise<void> {
  const path = `/admin/tenants/${passing.tenantId}?force=true`;
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const { json, status } = await client.ask({ method: "DELETE", path, bearer });
    if (json?.["deleted"] === true || status === 404) passing.deleted = true;
    if (passing.deleted) return;
    if (json?.["error"] !== undefined) throw new Error(`DELETE ${path} answered ${status}`);
    await sleep(PAUSE_MS);
  }
}

/**
 * Deletes those that the run left, with the clock put forward past what waits; then looks at what each of them left.
 *
 * @param aheadMs how far the clock was put forward before
 */
export async function finishPassing(
  world: Pick<PassingWorld, "client" | "adminSecret" | "passed">,
  aheadMs: number,
): Promise<GoneSeen[]> {
  const { client, passed } = world;
  let ahead = aheadMs;
  for (
    let looks = 0;
    looks < MOST_LOOKS && passed.some(({ deleted }) => !deleted);
    looks += LOOKS_AT_A_TIME
  ) {
    for (const passing of passed.filter(({ deleted }) => !deleted)) {
      await erase(world, passing, LOOKS_AT_A_TIME);
      if (!passing.deleted)
        await client.ask({ method: "POST", path: "/__chaos/ring", bearer: "", body: roomsOf(passing) });
    }
    ahead += CLAIM_MS;
    await client.ask({ method: "POST", path: `/__chaos/clock?ahead=${ahead}`, bearer: "" });
  }
  const gone: GoneSeen[] = [];
  for (const passing of passed) {
    const { market, tasks, history } = await stateOf(client, roomsOf(passing));
    gone.push({ tenantId: passing.tenantId, deleted: passing.deleted, market, rooms: tasks, history });
  }
  return gone;
}

function roomsOf({ tenantId, taskId }: Passed) {
  return { tenantId, taskIds: taskId === null ? [] : [taskId] };
}
