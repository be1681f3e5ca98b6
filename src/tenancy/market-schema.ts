/** The market room's tables, version by version. */
import { OUTBOX_VERSIONS } from "../durable/outbox.ts";
import type { Schema, SchemaSteps } from "../durable/schema.ts";
import { TIMER_VERSIONS } from "../durable/timers.ts";
import { SHARES_SCHEMA } from "./award-shares.ts";
import { CALIBRATION_SCHEMA } from "./calibration-store.ts";
import { FIRST_TABLES, MEMORY_TABLE } from "./first-tables.ts";
import { HISTORY_SCHEMA } from "./history-store.ts";
import { KEY_INDEXES, KEY_SCHEMA } from "./key-store.ts";
import { LEDGER_FROM_CHARGES, LEDGER_SCHEMA } from "./ledger-schema.ts";
import { STUCK_SCHEMA } from "./stuck-store.ts";
import { TOOL_USAGE_SCHEMA } from "./tool-usage.ts";
import { TOOL_SCHEMA } from "./tools/tool-store.ts";
import { TRACE_HISTORY_SCHEMA } from "./trace-histories.ts";
import { WINDOW_SCHEMA } from "./memory-window.ts";
import { REPLAY_SCHEMA } from "./replays.ts";
import { WEBHOOK_SCHEMA } from "./webhooks/webhook-store.ts";
import { BUCKET_SCHEMA, REQUEST_SCHEMA } from "./rate-gate.ts";
import { VERSIONS_SCHEMA } from "./policy-versions.ts";

const STEPS: SchemaSteps = [
  `
CREATE TABLE tenant (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
CREATE TABLE keys (hash TEXT PRIMARY KEY, key_id TEXT NOT NULL, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tasks (task_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX tasks_sequence ON tasks (sequence);
CREATE TABLE charges (call_id TEXT PRIMARY KEY, task_id TEXT NOT NULL, micros INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX charges_task ON charges (task_id);
CREATE TABLE idempotency (key TEXT PRIMARY KEY, body_hash TEXT NOT NULL, task_id TEXT NOT NULL, expires_at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at_ms);
CREATE TABLE history (id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT, row TEXT NOT NULL, parked TEXT);
CREATE INDEX history_task ON history (task_id);
${MEMORY_TABLE}
${TIMER_VERSIONS[0]}
${OUTBOX_VERSIONS[0]}
`,
  // What changes with every admission stands apart from the tenant's document, and what never changes of a task apart
  // from what does: a transition writes a few hundred bytes, whatever the size of the pool.
  `
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters SELECT 'sequence', json_extract(body, '$.lastSequence') FROM tenant;
INSERT INTO counters SELECT 'tenant-row', json_extract(body, '$.rowVersion') FROM tenant;
CREATE TABLE terms (task_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO terms SELECT task_id, json_object('auctionId', json_extract(body, '$.auctionId'),
  'pool', json_extract(body, '$.pool'), 'policy', json_extract(body, '$.policy'), 'seed', json_extract(body, '$.seed'))
  FROM tasks;
CREATE INDEX tasks_open ON tasks (sequence) WHERE state NOT IN ('finished', 'failed', 'cancelled');
ALTER TABLE history ADD COLUMN kind TEXT NOT NULL DEFAULT '';
`,
  // The recent window becomes a table of its own: searching it reads vectors only.
  `
${WINDOW_SCHEMA}
INSERT INTO memory_window (auction_id, version, written, written_at_ms, claim, held_until_ms, due_at_ms, tries, next_at_ms, shown_at_ms, vector)
SELECT auction_id, version, 0, 0, 0, 0, 0, 0, 0, NULL, vector FROM memory WHERE recent = 1;
DROP INDEX memory_recent;
ALTER TABLE memory DROP COLUMN recent;
`,
  CALIBRATION_SCHEMA,
  // Tasks of one pool and policy share them, and hold what of the terms is their own: an admission writes little.
  `
CREATE TABLE grounds (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
ALTER TABLE tasks ADD COLUMN ground INTEGER;
ALTER TABLE tasks ADD COLUMN terms TEXT;
DROP INDEX tasks_sequence;
INSERT INTO counters SELECT 'tenant-open', EXISTS
  (SELECT 1 FROM tasks WHERE state NOT IN ('finished', 'failed', 'cancelled')) FROM tenant;
`,
  // A transition writes one page of each table and none beside them. A task knows its newest row for the history, and
  // rows are numbered by the block: numbers go on after the last one that the table has ever given.
  `
${TIMER_VERSIONS[1]}
${OUTBOX_VERSIONS[1]}
ALTER TABLE tasks ADD COLUMN last_row INTEGER;
UPDATE tasks SET last_row =
  (SELECT max(id) FROM history WHERE history.task_id = tasks.task_id AND parked IS NULL);
INSERT INTO history (row) VALUES ('');
INSERT INTO counters SELECT 'history-row', max(id) FROM history;
DELETE FROM history WHERE id = (SELECT value FROM counters WHERE name = 'history-row');
ALTER TABLE history RENAME TO history_before;
DROP INDEX history_task;
${HISTORY_SCHEMA}
INSERT INTO history (id, kind, row, parked) SELECT id, kind, row, parked FROM history_before;
DROP TABLE history_before;
DROP INDEX tasks_open;
CREATE INDEX tasks_waiting ON tasks (sequence) WHERE state = 'admitted';
`,
  `
${LEDGER_SCHEMA}
${LEDGER_FROM_CHARGES}
ALTER TABLE keys ADD COLUMN budget TEXT;
`,
  // Keys from before there were scopes may do all that there is, and have no end.
  KEY_SCHEMA,
  TRACE_HISTORY_SCHEMA,
  // Idempotency-Keys of all that is made, by whose they are. Keys are counted, and listed page by page.
  `
${REPLAY_SCHEMA}
${KEY_INDEXES}
`,
  WEBHOOK_SCHEMA,
  `
${BUCKET_SCHEMA}
ALTER TABLE keys ADD COLUMN limits TEXT;
`,
  // Policies have versions, and caps on shares are held against the latest awards: those from here on.
  `
${VERSIONS_SCHEMA}
${SHARES_SCHEMA}
`,
  REQUEST_SCHEMA,
  TOOL_USAGE_SCHEMA,
  // What was given up is kept for its operator, and of what does not deliver it is known since when.
  `
${STUCK_SCHEMA}
${OUTBOX_VERSIONS[2]}
`,
  TOOL_SCHEMA,
];

export const MARKET_SCHEMA: Schema = { steps: STEPS, fresh: null, first: FIRST_TABLES };
