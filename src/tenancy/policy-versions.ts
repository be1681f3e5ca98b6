/**
 * The versions of a tenant's policy: each whole, with who made it and when. No decisions here.
 *
 * The newest `MAX_VERSIONS` are kept, so that nobody fills the room by changing a policy. The version that the first
 * change of all replaced is kept with it: it was never written down before, and a policy may be taken back to it.
 */
import type { KeyId } from "../market/ids.ts";
import { storedDocument, type PolicyDocument } from "../market/policy-document.ts";

export const VERSIONS_SCHEMA = `
CREATE TABLE policy_versions (version INTEGER PRIMARY KEY, at_ms INTEGER, made_by TEXT, body TEXT NOT NULL);
`;

export const MAX_VERSIONS = 500;

/** Who made a version. */
export type PolicyMaker = { readonly kind: "operator" } | { readonly kind: "key"; readonly keyId: KeyId };

export interface PolicyVersion {
  readonly version: number;
  /** Null: set up with the tenant, or made before versions were written down. */
  readonly made: { readonly atMs: number; readonly by: PolicyMaker } | null;
  readonly document: PolicyDocument;
}

interface VersionRow extends Record<string, SqlStorageValue> {
  version: number;
  at_ms: number | null;
  made_by: string | null;
  body: string;
}

const OPERATOR = "operator";

export class PolicyVersions {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** A version that is there stays as it is. */
  add({ version, made, document }: PolicyVersion): void {
    const by = made?.by.kind === "key" ? made.by.keyId : OPERATOR;
    this.#sql.exec(
      "INSERT OR IGNORE INTO policy_versions (version, at_ms, made_by, body) VALUES (?, ?, ?, ?)",
      version,
      made?.atMs ?? null,
      made === null ? null : by,
      JSON.stringify(document),
    );
    this.#sql.exec("DELETE FROM policy_versions WHERE version <= ?", version - MAX_VERSIONS);
  }

  /** Newest first, from `below` downwards; null: from the newest. */
  page(below: number | null, limit: number): PolicyVersion[] {
    const query = "SELECT * FROM policy_versions WHERE version < ? ORDER BY version DESC LIMIT ?";
    return this.#sql
      .exec<VersionRow>(query, below ?? Number.MAX_SAFE_INTEGER, limit)
      .toArray()
      .map(versionOf);
  }
}

function versionOf({ version, at_ms, made_by, body }: VersionRow): PolicyVersion {
  const by: PolicyMaker =
    made_by === OPERATOR ? { kind: "operator" } : { kind: "key", keyId: made_by as KeyId };
  return {
    version,
    made: at_ms === null ? null : { atMs: at_ms, by },
    document: storedDocument(JSON.parse(body) as Partial<PolicyDocument>),
  };
}
