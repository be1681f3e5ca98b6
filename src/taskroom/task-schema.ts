/** The task room's tables, version by version. */
import { OUTBOX_SCHEMA, OUTBOX_VERSIONS } from "../durable/outbox.ts";
import type { Schema, SchemaSteps } from "../durable/schema.ts";
import { TIMER_SCHEMA, TIMER_VERSIONS } from "../durable/timers.ts";
import { FILES_TABLE } from "./file-store.ts";
import { FIRST_TABLES, ROUND_TABLES } from "./first-tables.ts";

const CALLS_PAYER = "payer TEXT NOT NULL DEFAULT 'tenant'";

const tables = (callsAgent: "TEXT" | "TEXT NOT NULL", shared: readonly string[], more = "") => `
CREATE TABLE doc (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body TEXT NOT NULL);
${ROUND_TABLES}
CREATE TABLE calls (
  call_id TEXT PRIMARY KEY, kind TEXT NOT NULL, agent_id ${callsAgent}, attempt INTEGER NOT NULL,
  status TEXT NOT NULL, bound_micros INTEGER NOT NULL, cost_micros INTEGER NOT NULL, usage TEXT, ms INTEGER${more}
) WITHOUT ROWID;
CREATE TABLE steps (
  attempt INTEGER NOT NULL, step INTEGER NOT NULL, body TEXT NOT NULL, outcomes TEXT,
  PRIMARY KEY (attempt, step)
) WITHOUT ROWID;
${shared.join("\n")}
`;

const STEPS: SchemaSteps = [
  tables("TEXT NOT NULL", [TIMER_VERSIONS[0], OUTBOX_VERSIONS[0]]),
  // A call may be no agent's.
  `
CREATE TABLE calls_of_all (
  call_id TEXT PRIMARY KEY, kind TEXT NOT NULL, agent_id TEXT, attempt INTEGER NOT NULL,
  status TEXT NOT NULL, bound_micros INTEGER NOT NULL, cost_micros INTEGER NOT NULL, usage TEXT, ms INTEGER
) WITHOUT ROWID;
INSERT INTO calls_of_all SELECT * FROM calls;
DROP TABLE calls;
ALTER TABLE calls_of_all RENAME TO calls;
`,
  // A report and a timer are one page each.
  `${TIMER_VERSIONS[1]}${OUTBOX_VERSIONS[1]}`,
  // Who pays for a call, and the price row of its bill.
  `
ALTER TABLE calls ADD COLUMN ${CALLS_PAYER};
ALTER TABLE calls ADD COLUMN prices TEXT;
`,
  OUTBOX_VERSIONS[2],
  FILES_TABLE,
];

const NEWEST = tables("TEXT", [TIMER_SCHEMA, OUTBOX_SCHEMA, FILES_TABLE], `, ${CALLS_PAYER}, prices TEXT`);

/** Every task makes a room: it gets the newest tables at once. */
export const TASK_SCHEMA: Schema = { steps: STEPS, fresh: NEWEST, first: FIRST_TABLES };
