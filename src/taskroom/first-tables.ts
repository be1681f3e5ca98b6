/** A task's room as the first version made it: bids and verdicts of one round, and an award without its clearing. */
import type { FirstTables } from "../durable/schema.ts";
import type { Opening, VerdictRecord } from "../market/auction-record.ts";
import {
  clearingOfFirst,
  policyOfFirst,
  type FirstClearing,
  type FirstPolicy,
} from "../market/first-version.ts";
import type { AwardDoc, TaskDoc } from "./journal.ts";

/** An auction's answers, by round. */
export const ROUND_TABLES = `
CREATE TABLE bids (round INTEGER NOT NULL, agent_id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (round, agent_id)) WITHOUT ROWID;
CREATE TABLE verdicts (round INTEGER NOT NULL, juror_id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (round, juror_id)) WITHOUT ROWID;
CREATE TABLE refinements (agent_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
`;

type FirstOpening = Omit<Opening, "policy"> & { readonly policy: FirstPolicy };
type FirstTask = Omit<TaskDoc, "award"> & { readonly award: Omit<AwardDoc, "clearing"> | null };
/** What the event of the clearing tells of it. */
type Told = Pick<FirstClearing, "winner" | "ranking" | "margin"> & { readonly entropyUsed: boolean };

export const FIRST_TABLES: FirstTables = {
  lack: "refinements",
  upgrade: (sql) => {
    sql.exec(`
      ALTER TABLE bids RENAME TO bids_before;
      ALTER TABLE verdicts RENAME TO verdicts_before;
      ${ROUND_TABLES}
      INSERT INTO bids SELECT 1, agent_id, json_set(body, '$.round', 1) FROM bids_before;
      INSERT INTO verdicts SELECT 1, juror_id, json_set(body, '$.round', 1) FROM verdicts_before;
      UPDATE verdicts SET body = json_set(body, '$.failedOn', json_object())
        WHERE json_extract(body, '$.status') = 'scored';
      DROP TABLE bids_before;
      DROP TABLE verdicts_before;
    `);
    const bodies = <T>(query: string): T[] =>
      sql
        .exec<{ body: string }>(query)
        .toArray()
        .map(({ body }) => JSON.parse(body) as T);
    const put = (name: string, body: unknown) =>
      sql.exec("UPDATE doc SET body = ? WHERE name = ?", JSON.stringify(body), name);

    const [opening] = bodies<FirstOpening>("SELECT body FROM doc WHERE name = 'opening'");
    if (opening === undefined) return;
    put("opening", { ...opening, policy: policyOfFirst(opening.policy, opening.pool) });

    const [task] = bodies<FirstTask>("SELECT body FROM doc WHERE name = 'task'");
    const [told] = bodies<Told>(
      "SELECT body FROM events WHERE json_extract(body, '$.type') = 'auction-cleared'",
    );
    if (task === undefined || task.award === null || told === undefined) return;
    const verdicts = bodies<VerdictRecord>("SELECT body FROM verdicts");
    const jurors = verdicts.filter(({ status }) => status === "scored").map(({ jurorId }) => jurorId);
    const clearing = clearingOfFirst(told, { entropyUsed: told.entropyUsed, jurors });
    put("task", { ...task, award: { ...task.award, clearing } });
  },
};
