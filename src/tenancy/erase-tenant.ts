/**
 * Erases a tenant for good: its rows in D1, its vectors, the rooms of its tasks, and last its market room.
 *
 * Nothing is erased while anybody may still write for the tenant. Every part is read again after it was erased, and only
 * what is seen to be gone is forgotten: whoever calls again goes on where this call stopped, whatever stopped it.
 */
import { sixAtOnce } from "../async/six-at-once.ts";
import type { Config } from "../config.ts";
import { countRows, eraseRows, eraseTaskRows, someTaskIds, sumOfRows } from "../history/erase-rows.ts";
import type { TaskId, TenantId } from "../market/ids.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { VectorIndex } from "../memory/memory-port.ts";
import { carryRows } from "./consume-history.ts";
import type { BeginRefusal, ErasureApi, ErasureState, TenantCounts } from "./erasure-desk.ts";
import type { MarketRoomApi } from "./market-room-api.ts";
import type { TaskRoomPort } from "./task-room-port.ts";

/** An invocation has a limited number of requests: so much is erased by one call. */
const ROOMS_PER_CALL = 200;
const VECTORS_PER_CALL = 1_000;
const STATEMENTS_PER_CALL = 200;

export interface EraseDeps {
  readonly config: Config;
  readonly index: VectorIndex;
}

export type EraseReport =
  | { readonly done: true; readonly before: TenantCounts; readonly after: TenantCounts }
  /** To be called again. `carriers`: consumers that may still write; what is not counted yet is null. */
  | {
      readonly done: false;
      readonly before: TenantCounts | null;
      readonly left: { readonly openTasks: number; readonly carriers: number; readonly counts: TenantCounts };
    };

export async function eraseTenant(
  { config, index }: EraseDeps,
  { tenantId, force }: { readonly tenantId: TenantId; readonly force: boolean },
): Promise<Result<EraseReport, BeginRefusal>> {
  const room = config.marketRoom<MarketRoomApi & ErasureApi>(tenantId);
  const begun = await room.beginErasure(force);
  if (!begun.ok) return begun;
  // What waits to be written is written first: nothing is left that a consumer could come for.
  await carryRows(config, tenantId);
  const state = await room.erasureState();
  // Another call has come to the end.
  if (state === null) return fail({ reason: "unknown_tenant" });
  if (state.openTasks > 0 || state.carriers > 0) return ok(await unfinished({ config, tenantId, state }));
  const before = state.before ?? (await countsOf({ config, tenantId, state }));
  await room.noteErasure(before);
  // From here on nothing leaves the room for those of its tasks; what left before is waited for.
  const quiet = await room.erasureState();
  if (quiet === null) return fail({ reason: "unknown_tenant" });
  if (quiet.carriers > 0) return ok(await unfinished({ config, tenantId, state: quiet }));

  await eraseTaskRooms({ config, room, tenantId });
  const shown = await eraseVectors({ index, room, tenantId });
  // Ids of tasks are the only way to their rooms: the history goes after them.
  if ((await someTaskIds(config.db, { tenantId, limit: 1 })).length === 0)
    await eraseRows(config.db, { tenantId, statements: STATEMENTS_PER_CALL });

  const now = await room.erasureState();
  if (now === null) return fail({ reason: "unknown_tenant" });
  const left = await countsOf({ config, tenantId, state: now });
  const isEmpty = sumOfRows(left.rows) + left.vectors + left.taskRooms === 0;
  if (!isEmpty || !(await room.eraseRoom()))
    return ok({ done: false, before, left: { openTasks: 0, carriers: 0, counts: left } });
  const marketRooms = Number(await room.holdsStorage());
  return ok({ done: true, before, after: { ...left, vectors: shown, marketRooms } });
}

interface Where {
  readonly config: Config;
  readonly tenantId: TenantId;
  readonly state: ErasureState;
}

async function unfinished(where: Where): Promise<EraseReport> {
  const { before, openTasks, carriers } = where.state;
  return { done: false, before, left: { openTasks, carriers, counts: await countsOf(where) } };
}

async function countsOf({ config, tenantId, state }: Where): Promise<TenantCounts> {
  const rows = await countRows(config.db, tenantId);
  return { rows, vectors: state.vectors, taskRooms: state.taskRooms, marketRooms: 1 };
}

/**
 * As many as one call may; those that still hold something are left for the next one. The books know every task; the
 * history alone knows some from before there were books.
 */
async function eraseTaskRooms(where: {
  readonly config: Config;
  readonly room: ErasureApi;
  readonly tenantId: TenantId;
}): Promise<void> {
  const { config, room, tenantId } = where;
  // SAFETY: the books name tasks by their ids.
  const booked = (await room.leftOf("taskRooms", ROOMS_PER_CALL)) as readonly TaskId[];
  const limit = ROOMS_PER_CALL - booked.length;
  const others = limit === 0 ? [] : await someTaskIds(config.db, { tenantId, limit });
  const gone = await eraseRooms(where, [...new Set([...booked, ...others])]);
  await eraseTaskRows(config.db, { tenantId, ids: gone });
  await room.erased("taskRooms", gone);
}

/** Erases each room, asks it again, and returns those that hold nothing any more. */
async function eraseRooms(
  { config, tenantId }: { readonly config: Config; readonly tenantId: TenantId },
  ids: readonly TaskId[],
): Promise<TaskId[]> {
  const holds = await sixAtOnce(ids, async (taskId) => {
    const room = config.taskRoom<TaskRoomPort>(tenantId, taskId);
    await room.erase();
    return room.holdsStorage();
  });
  return ids.filter((_, at) => holds[at] === false);
}

/** Deletes as many as one call may; returns how many of them the index shows all the same. They are left. */
async function eraseVectors({
  index,
  room,
  tenantId,
}: {
  readonly index: VectorIndex;
  readonly room: ErasureApi;
  readonly tenantId: TenantId;
}): Promise<number> {
  const ids = await room.leftOf("vectors", VECTORS_PER_CALL);
  if (ids.length === 0) return 0;
  await index.remove(tenantId, ids);
  const shown = await index.visibleVersions(tenantId, ids);
  await room.erased(
    "vectors",
    ids.filter((id) => !shown.has(id)),
  );
  return shown.size;
}
