/** A market room as the first version made it: no memory, one policy, and auctions of one round. */
import type { FirstTables } from "../durable/schema.ts";
import type { Agent } from "../market/agent.ts";
import {
  clearingOfFirst,
  policyOfFirst,
  type FirstClearing,
  type FirstPolicy,
} from "../market/first-version.ts";
import type { AgentId } from "../market/ids.ts";

export const MEMORY_TABLE = `
CREATE TABLE memory (
  auction_id TEXT PRIMARY KEY, task_id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
  vector BLOB NOT NULL, recent INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX memory_task ON memory (task_id);
CREATE INDEX memory_recent ON memory (auction_id) WHERE recent = 1;
`;

/** A task, or what its room is opened with. */
interface FirstTerms {
  readonly pool: readonly Agent[];
  readonly policy: FirstPolicy;
}

type FirstMessage =
  | { readonly kind: "open"; readonly opening: FirstTerms }
  | { readonly kind: "award"; readonly award: { readonly clearing: FirstClearing } }
  | { readonly kind: "stop" };

/** What the first version wrote of an auction for the history, as far as it differs. */
type FirstRow =
  | { readonly table: "auctions"; readonly winner: AgentId | null }
  | { readonly table: "bids" | "verdicts" }
  | { readonly table: "tenants" | "tasks" | "traces" | "outcomes" };

export const FIRST_TABLES: FirstTables = {
  lack: "memory",
  upgrade: (sql) => {
    sql.exec(MEMORY_TABLE);
    sql.exec(`UPDATE tenant SET body =
      json_set(body, '$.policyName', 'sale', '$.weights', json('null'), '$.fit', json('null'))`);
    const rewrite = <T>(table: string, key: string, column: string, newer: (body: T) => unknown) => {
      const query = `SELECT ${key} AS id, ${column} AS body FROM ${table}`;
      for (const { id, body } of sql.exec<{ id: SqlStorageValue; body: string }>(query).toArray()) {
        const now = JSON.stringify(newer(JSON.parse(body) as T));
        sql.exec(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`, now, id);
      }
    };
    rewrite<FirstTerms>("tasks", "task_id", "body", withPolicy);
    rewrite("outbox", "id", "message", newerMessage);
    rewrite("history", "id", "row", newerRow);
  },
};

function withPolicy(terms: FirstTerms): object {
  return { ...terms, policy: policyOfFirst(terms.policy, terms.pool) };
}

function newerMessage(message: FirstMessage): object {
  if (message.kind === "open") return { ...message, opening: withPolicy(message.opening) };
  if (message.kind !== "award") return message;
  const { clearing } = message.award;
  const { entropyUsed, jurorWeights } = clearing.terms;
  const terms = { entropyUsed, jurors: Object.keys(jurorWeights) as AgentId[] };
  return { ...message, award: { ...message.award, clearing: clearingOfFirst(clearing, terms) } };
}

function newerRow(row: FirstRow): object {
  switch (row.table) {
    case "auctions": {
      const { winner } = row;
      return { ...row, provisionalWinner: winner, winnerRound: winner === null ? null : 1 };
    }
    case "bids":
    case "verdicts":
      return { ...row, round: 1 };
    case "tenants":
    case "tasks":
    case "traces":
    case "outcomes":
      return row;
  }
}
