/**
 * The tables of the tenant's books.
 *
 * `transfers` is the ledger. The others are sums that stand beside it, so that nothing is added up anew to answer whether
 * a hold fits: `accounts` by task, `spending` by tenant or key and time (`held`, or a day), `usage` by day,
 * key, agent and kind of call. `calls` and `prices` are what it all follows from.
 */
export const LEDGER_SCHEMA = `
CREATE TABLE prices (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE);
CREATE TABLE calls (
  call_id TEXT PRIMARY KEY, task_id TEXT NOT NULL, key_id TEXT NOT NULL, day TEXT NOT NULL, agent_id TEXT NOT NULL,
  kind TEXT NOT NULL, attempt INTEGER NOT NULL, status TEXT NOT NULL, payer TEXT NOT NULL,
  bound_micros INTEGER NOT NULL, charged INTEGER NOT NULL, overrun INTEGER NOT NULL, lost INTEGER NOT NULL,
  price INTEGER, usage TEXT, ended_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX calls_task ON calls (task_id);
CREATE TABLE transfers (
  id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, task_id TEXT NOT NULL, call_id TEXT,
  source TEXT NOT NULL, target TEXT NOT NULL, micros INTEGER NOT NULL CHECK (micros > 0)
);
CREATE TABLE accounts (
  task_id TEXT PRIMARY KEY, key_id TEXT NOT NULL, cap INTEGER, held INTEGER NOT NULL CHECK (held >= 0),
  charged INTEGER NOT NULL, holds INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE spending (scope TEXT NOT NULL, time TEXT NOT NULL, micros INTEGER NOT NULL, PRIMARY KEY (scope, time)) WITHOUT ROWID;
CREATE TABLE usage (
  day TEXT NOT NULL, key_id TEXT NOT NULL, agent_id TEXT NOT NULL, kind TEXT NOT NULL,
  calls INTEGER NOT NULL, unconfirmed INTEGER NOT NULL, input INTEGER NOT NULL, cached INTEGER NOT NULL,
  output INTEGER NOT NULL, charged INTEGER NOT NULL, house INTEGER NOT NULL,
  PRIMARY KEY (day, key_id, agent_id, kind)
) WITHOUT ROWID;
CREATE TABLE trace_costs (agent_id TEXT PRIMARY KEY, runs INTEGER NOT NULL, micros INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Tasks that were admitted before there were holds: what they spend is held as it comes. */
export const LEDGER_FROM_CHARGES = `
INSERT INTO calls SELECT call_id, task_id, '', date(json_extract(body, '$.endedAtMs') / 1000, 'unixepoch'),
  coalesce(json_extract(body, '$.agentId'), ''), json_extract(body, '$.kind'), json_extract(body, '$.attempt'),
  json_extract(body, '$.status'), 'tenant', micros, micros, 0, 0, NULL, json_extract(body, '$.usage'),
  json_extract(body, '$.endedAtMs') FROM charges;
INSERT INTO transfers (at_ms, kind, task_id, call_id, source, target, micros)
  SELECT ended_at_ms, 'hold', task_id, NULL, 'free', 'held', charged FROM calls WHERE charged > 0;
INSERT INTO transfers (at_ms, kind, task_id, call_id, source, target, micros)
  SELECT ended_at_ms, 'charge', task_id, call_id, 'held', 'providers', charged FROM calls WHERE charged > 0;
INSERT INTO accounts SELECT task_id, '', NULL, 0, sum(charged), 0 FROM calls GROUP BY task_id;
INSERT OR IGNORE INTO accounts SELECT task_id, '', NULL, 0, 0, 0 FROM tasks;
INSERT INTO spending SELECT 'tenant', day, sum(charged) FROM calls GROUP BY day;
INSERT INTO usage SELECT day, '', agent_id, kind, count(*), sum(status = 'unconfirmed'),
  coalesce(sum(json_extract(usage, '$.inputTokens')), 0), coalesce(sum(json_extract(usage, '$.cachedInputTokens')), 0),
  coalesce(sum(json_extract(usage, '$.outputTokens')), 0), sum(charged), 0
  FROM calls GROUP BY day, agent_id, kind;
DROP TABLE charges;
`;
