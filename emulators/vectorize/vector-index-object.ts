/**
 * One emulated Vectorize index: exact cosine over the vectors in SQLite, with mutations that become visible late.
 *
 * A mutation is stored at once and applied when its delay is over; reads apply what is due first, in order, and see nothing
 * of the rest. May not check limits: the binding does.
 */
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import type { EmulatorEnv } from "../admin/config.ts";
import type { IndexVector } from "./check-vectors.ts";
import { passesFilter } from "./metadata-filter.ts";
import type { MetadataFilter } from "./metadata-filter.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS vectors (id TEXT PRIMARY KEY, namespace TEXT, metadata TEXT, vector BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS vectors_namespace ON vectors (namespace);
CREATE TABLE IF NOT EXISTS mutations (seq INTEGER PRIMARY KEY AUTOINCREMENT, mutation TEXT NOT NULL, at INTEGER NOT NULL, visible_at INTEGER NOT NULL, applied INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS changes (seq INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, namespace TEXT, metadata TEXT, vector BLOB);
CREATE INDEX IF NOT EXISTS changes_seq ON changes (seq);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
`;

/** Applied mutations are kept only to answer describe. */
const LAST_APPLIED = "SELECT mutation, at FROM mutations WHERE applied = 1 ORDER BY seq DESC LIMIT 1";

/** A mutation as it arrives. Inserting an id that exists does nothing. */
export type Mutation =
  | { readonly kind: "insert" | "upsert"; readonly vectors: readonly IndexVector[] }
  | { readonly kind: "delete"; readonly ids: readonly string[] };

export interface IndexQuery {
  readonly vector: readonly number[];
  readonly topK: number;
  /** Null: all namespaces. */
  readonly namespace: string | null;
  readonly filter: MetadataFilter | null;
}

export interface IndexMatch {
  readonly score: number;
  readonly vector: IndexVector;
}

export interface IndexState {
  readonly vectorCount: number;
  readonly processedUpToMutation: string | null;
  readonly processedUpToDatetime: string | null;
}

const metadataValueSchema = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);
const metadataSchema = z.record(
  z.string(),
  z.union([metadataValueSchema, z.record(z.string(), metadataValueSchema)]),
);

type VectorRow = { id: string; namespace: string | null; metadata: string | null; vector: ArrayBuffer };

export class VectorIndexObject extends DurableObject<EmulatorEnv> {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: EmulatorEnv) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(SCHEMA);
  }

  /**
   * Accepts a mutation.
   *
   * @param delayMs until it is visible, unless {@link setDelay} said otherwise
   * @returns its id
   */
  mutate(mutation: Mutation, delayMs: number): string {
    const id = crypto.randomUUID();
    const nowMs = Date.now();
    this.ctx.storage.transactionSync(() => {
      const delay =
        this.#sql.exec<{ value: number }>("SELECT value FROM settings WHERE name = 'delayMs'").toArray()[0]
          ?.value ?? delayMs;
      const { seq } = this.#sql
        .exec<{ seq: number }>(
          "INSERT INTO mutations (mutation, at, visible_at) VALUES (?, ?, ?) RETURNING seq",
          id,
          nowMs,
          nowMs + delay,
        )
        .one();
      if (mutation.kind === "delete") {
        for (const one of mutation.ids)
          this.#sql.exec("INSERT INTO changes (seq, kind, id) VALUES (?, 'delete', ?)", seq, one);
        return;
      }
      for (const vector of mutation.vectors) {
        this.#sql.exec(
          "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)",
          seq,
          mutation.kind,
          vector.id,
          vector.namespace,
          vector.metadata === null ? null : JSON.stringify(vector.metadata),
          Float32Array.from(vector.values).buffer,
        );
      }
    });
    return id;
  }

  /** Best matches first; ties by id, so that the same query gives the same order. */
  query(query: IndexQuery): IndexMatch[] {
    this.#applyDue();
    const asked = Float32Array.from(query.vector);
    const length = norm(asked);
    const scored: { readonly row: VectorRow; readonly score: number }[] = [];
    for (const row of this.#rows(query.namespace)) {
      if (query.filter !== null && !passesFilter(storedMetadata(row), query.filter)) continue;
      scored.push({ row, score: cosine(asked, new Float32Array(row.vector), length) });
    }
    return scored
      .toSorted((a, b) => b.score - a.score || (a.row.id < b.row.id ? -1 : 1))
      .slice(0, query.topK)
      .map(({ row, score }) => ({ vector: storedVector(row), score }));
  }

  /** Visible vectors of these ids, in the order asked; unknown ids are left out. */
  getByIds(ids: readonly string[]): IndexVector[] {
    this.#applyDue();
    return ids.flatMap((id) =>
      this.#sql.exec<VectorRow>("SELECT * FROM vectors WHERE id = ?", id).toArray().map(storedVector),
    );
  }

  state(): IndexState {
    this.#applyDue();
    const { n } = this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM vectors").one();
    const last = this.#sql.exec<{ mutation: string; at: number }>(LAST_APPLIED).toArray()[0];
    return {
      vectorCount: n,
      processedUpToMutation: last?.mutation ?? null,
      processedUpToDatetime: last === undefined ? null : new Date(last.at).toISOString(),
    };
  }

  /** Delay of mutations from now on, in ms, instead of the Worker's own. */
  setDelay(delayMs: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO settings VALUES ('delayMs', ?)", delayMs);
  }

  /** Makes everything visible now, as if all delays were over. */
  flush(): void {
    this.#sql.exec("UPDATE mutations SET visible_at = 0 WHERE applied = 0");
  }

  /** Forgets everything, the delay set by {@link setDelay} included. */
  erase(): void {
    for (const table of ["vectors", "mutations", "changes", "settings"])
      this.#sql.exec(`DELETE FROM ${table}`);
  }

  #rows(namespace: string | null): Iterable<VectorRow> {
    return namespace === null
      ? this.#sql.exec<VectorRow>("SELECT * FROM vectors")
      : this.#sql.exec<VectorRow>("SELECT * FROM vectors WHERE namespace = ?", namespace);
  }

  /** Applies mutations in order up to the first that is not due: a later one never overtakes. */
  #applyDue(): void {
    this.ctx.storage.transactionSync(() => {
      const waiting = this.#sql
        .exec<{ seq: number; visible_at: number }>(
          "SELECT seq, visible_at FROM mutations WHERE applied = 0 ORDER BY seq",
        )
        .toArray();
      const nowMs = Date.now();
      for (const { seq, visible_at } of waiting) {
        if (visible_at > nowMs) return;
        this.#sql.exec(
          "DELETE FROM vectors WHERE id IN (SELECT id FROM changes WHERE seq = ? AND kind = 'delete')",
          seq,
        );
        for (const [kind, verb] of [
          ["insert", "INSERT OR IGNORE"],
          ["upsert", "INSERT OR REPLACE"],
        ] as const) {
          this.#sql.exec(
            `${verb} INTO vectors SELECT id, namespace, metadata, vector FROM changes WHERE seq = ? AND kind = ? ORDER BY rowid`,
            seq,
            kind,
          );
        }
        this.#sql.exec("DELETE FROM changes WHERE seq = ?", seq);
        this.#sql.exec("UPDATE mutations SET applied = 1 WHERE seq = ?", seq);
        this.#sql.exec("DELETE FROM mutations WHERE seq < ? AND applied = 1", seq);
      }
    });
  }
}

function storedVector(row: VectorRow): IndexVector {
  return {
    id: row.id,
    namespace: row.namespace,
    metadata: storedMetadata(row),
    values: Array.from(new Float32Array(row.vector)),
  };
}

function storedMetadata(row: VectorRow): IndexVector["metadata"] {
  return row.metadata === null ? null : metadataSchema.parse(JSON.parse(row.metadata));
}

function norm(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

/** A vector without length is like nothing: 0. */
function cosine(a: Float32Array, b: Float32Array, lengthOfA: number): number {
  let dot = 0;
  for (let i = 0; i < a.length; i++) dot += (a[i] ?? 0) * (b[i] ?? 0);
  const lengths = lengthOfA * norm(b);
  return lengths === 0 ? 0 : dot / lengths;
}
