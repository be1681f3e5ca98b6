/**
 * A version with a fault: of one task in so many, the room refuses what is to be committed until the operator has the task
 * go on, as if the fault were mended by then. Which tasks is decided by their ids alone, so that it lasts over all deaths.
 */

/** Call that fails, by the remainder of the task's id. */
const FAULTY: ReadonlyMap<number, string> = new Map([
  [0, "TaskRoom.commitTools"],
  [1, "TaskRoom.commitTools"],
  [2, "TaskRoom.commitAuction"],
  [3, "TaskRoom.commitAuction"],
]);
const ONE_IN = 24;
/** Of other tasks, the room does not take its award at first, so that it is told by its market room's timer. */
const SLOW: ReadonlySet<number> = new Set([4, 5]);
const SLOW_CALL = "TaskRoom.award";
const REFUSALS = 3;
/** By room, of this life. */
const refused = new Map<string, number>();

/** @throws TypeError where this call of this task's room fails */
export function failIfFaulty(call: string, { id, storage }: DurableObjectState): void {
  if (call === SLOW_CALL) refuseAtFirst(id.name ?? "");
  if (![...FAULTY.values()].includes(call)) return;
  if (FAULTY.get(remainderOf(id.name ?? "")) !== call || isRedriven(storage)) return;
  throw new TypeError("a fault of this version");
}

function refuseAtFirst(name: string): void {
  const before = refused.get(name) ?? 0;
  if (!SLOW.has(remainderOf(name)) || before >= REFUSALS) return;
  refused.set(name, before + 1);
  throw new TypeError("a room that is slow to wake");
}

function remainderOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.charCodeAt(0)) % 65_521;
  return sum % ONE_IN;
}

function isRedriven({ sql }: DurableObjectStorage): boolean {
  const query = "SELECT 1 FROM events WHERE json_extract(body, '$.type') = 'task-redriven' LIMIT 1";
  return sql.exec(query).toArray().length > 0;
}
