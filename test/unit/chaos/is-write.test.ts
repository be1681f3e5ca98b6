/** What a statement of an object's SQL writes, by its first words. */
import { expect, test } from "vitest";
import { isWrite, tableOf } from "../../../bench/chaos/worker/is-write.ts";

test.each([
  ["UPDATE keys SET last_used_at_ms = ? WHERE hash = ?", true, "keys"],
  ["\n  INSERT OR REPLACE INTO timers (kind) VALUES (?)", true, "timers"],
  ["insert into outbox (lane) values (?)", true, "outbox"],
  ["DELETE FROM outbox WHERE lane = ?", true, "outbox"],
  ["CREATE TABLE outbox (lane TEXT)", true, null],
  ["SELECT kind FROM timers", false, null],
  ["WITH due AS (SELECT 1) SELECT * FROM due", false, null],
])("%s", (query, writes, table) => {
  expect(isWrite(query)).toBe(writes);
  expect(tableOf(query)).toBe(table);
});
