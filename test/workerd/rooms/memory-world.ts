/**
 * Two tenants' rooms, one index, and consumers whose every call to it waits for its fate.
 *
 * Rooms, consumer and retrieval are the real ones; the index is the in-memory form that the contract tests hold to the
 * emulator. Its failures keep to what the platform promises: no write outlives its invocation (15 minutes), a broken
 * one arrives within a minute or never, and no replica lags behind another by more than half a minute.
 */
import { runInDurableObject } from "cloudflare:test";
import type { AgentId } from "../../../src/market/ids.ts";
import { newId } from "../../../src/market/ids.ts";
import type { MemoryEntry, RecalledEntry } from "../../../src/market/memory.ts";
import { asMicros } from "../../../src/market/money.ts";
import { BROKEN_WRITE_MS, CLAIM_MS } from "../../../src/market/passage.ts";
import type { TraceFigures } from "../../../src/market/report.ts";
import { cosine } from "../../../src/market/similarity.ts";
import type { IndexedVector, VectorIndex } from "../../../src/memory/memory-port.ts";
import { createVectorIndex } from "../../../src/memory/vector-index.ts";
import { carryVectors } from "../../../src/tenancy/consume-memory.ts";
import { MemoryStore } from "../../../src/tenancy/memory-store.ts";
import { GRACE_MS } from "../../../src/tenancy/memory-window.ts";
import { MemoryVectorize } from "../../support/memory-vectorize.ts";
import { config, type MarketDay, type stopTheClock } from "./market-day.ts";

type Versions = ReadonlyMap<string, number>;
type Clock = ReturnType<typeof stopTheClock>;

const TOP_K = 3;
const REPLICA_LAG_MS = 30_000;
/** Longest that an auction's question to the index takes, with its way to the room. */
const ASKING_MS = 10_000;
const DOWN = "the index failed";
const WINNER = "agt_winner" as AgentId;

/** How the index's next answer to a parked consumer turns out; `late`: it fails now, and the write arrives all the same. */
export type Fate = "answer" | "fail" | "late" | "die" | "die-late" | "die-done";

/** A queue message's invocation. */
interface Consumer {
  readonly startedMs: number;
  run: Promise<void>;
  /** Resolves when it waits for the index. */
  waits: PromiseWithResolvers<void>;
}

/** A call of a consumer to the index, waiting for its fate. */
interface Parked {
  readonly consumer: Consumer;
  /** Null: it only reads. */
  readonly ids: readonly string[] | null;
  land(): Promise<void>;
  answer(): void;
  fail(): void;
}

/** A write that its consumer no longer waits for, and when it can no longer arrive. */
interface Stray {
  readonly ids: readonly string[];
  readonly untilMs: number;
  land(): Promise<void>;
}

/** Two rooms, one index, and whatever is under way between them. */
export class World {
  readonly days: readonly MarketDay[];
  readonly vectorize = new MemoryVectorize({ dimensions: 2, replicas: 2 });
  readonly cleared: { readonly day: number; readonly vector: Float32Array; entry: MemoryEntry }[] = [];
  /** What each finished question found, and what a perfect memory would have. */
  readonly answers: {
    readonly found: readonly RecalledEntry[];
    readonly perfect: readonly RecalledEntry[];
  }[] = [];
  /** Ids that were written while another write of theirs was under way. */
  readonly crowded: string[] = [];
  readonly #clock: Clock;
  readonly #index = createVectorIndex(this.vectorize);
  #parked: Parked[] = [];
  #strays: Stray[] = [];
  /** Questions that were answered by the index and have not come to the room yet. */
  #asked: {
    readonly day: number;
    readonly vector: Float32Array;
    readonly hits: string[];
    readonly atMs: number;
  }[] = [];
  /** When each mutation was first shown by any replica. */
  readonly #firstShownMs: number[] = [];

  constructor(days: readonly MarketDay[], clock: Clock) {
    this.days = days;
    this.#clock = clock;
  }

  async clear(day: number, angle: number): Promise<void> {
    const vector = Float32Array.of(Math.cos(angle), Math.sin(angle));
    const entry: MemoryEntry = {
      auctionId: newId("auc", config.source),
      taskId: newId("tsk", config.source),
      version: 1,
      task: `task of ${day}`,
      strategies: [],
      verdicts: [],
      winner: WINNER,
      winnerRound: 1,
      outcome: null,
      verifier: null,
      traceCostMicros: null,
    };
    await this.#inRoom(day, (memory) => memory.put(entry, vector));
    this.cleared.push({ day, vector, entry });
  }

  /** The outcome of an auction; may come again with another word. */
  async settle(pick: number, outcome: "pass" | "fail"): Promise<void> {
    const known = this.cleared[pick % Math.max(1, this.cleared.length)];
    if (known === undefined) return;
    const { taskId } = known.entry;
    const traceCostMicros = asMicros(5);
    const trace = { agentId: WINNER, costMicros: traceCostMicros } as TraceFigures;
    const end = { state: "finished", outcome } as const;
    await this.#inRoom(known.day, (memory) =>
      memory.settle({ taskId, attempt: 1, end, verdict: null, trace }),
    );
    const { version } = known.entry;
    if (known.entry.outcome !== outcome)
      known.entry = { ...known.entry, outcome, traceCostMicros, version: version + 1 };
  }

  /** A queue message: the consumer runs until it waits for the index, or is done. */
  async startConsumer(day: number): Promise<void> {
    const { tenantId } = this.#day(day);
    const waits = Promise.withResolvers<void>();
    const consumer: Consumer = { startedMs: Date.now(), waits, run: Promise.resolve() };
    consumer.run = carryVectors(config, this.#parking(consumer), tenantId).catch((error: unknown) => {
      if (!String(error).includes(DOWN)) throw error;
    });
    await Promise.race([consumer.run, waits.promise]);
  }

  /** A consumer that gets its answers from one replica, and what happens after it came and before it got the first. */
  async carry(day: number, replica: number, meanwhile?: () => Promise<void>): Promise<void> {
    const others = new Set(this.#parked);
    await this.startConsumer(day);
    await meanwhile?.();
    for (;;) {
      const at = this.#parked.findIndex((one) => !others.has(one));
      if (at < 0) return;
      await this.decide(at, "answer", replica);
    }
  }

  /** A consumer that waits for the index gets its answer, from this replica; −1: the one that came last. */
  async decide(pick: number, fate: Fate, replica = 0): Promise<void> {
    const parked = this.#parked.at(pick % Math.max(1, this.#parked.length));
    if (parked === undefined) return;
    this.#parked = this.#parked.filter((one) => one !== parked);
    const { consumer, ids, land } = parked;
    this.vectorize.replica = replica;
    if (fate === "answer" || fate === "die-done") await land();
    if (ids !== null && (fate === "late" || fate === "die-late")) {
      const untilMs = fate === "late" ? Date.now() + BROKEN_WRITE_MS : consumer.startedMs + CLAIM_MS;
      this.#strays.push({ ids, land, untilMs });
    }
    if (fate.startsWith("die")) return;
    consumer.waits = Promise.withResolvers<void>();
    if (fate === "answer") parked.answer();
    else parked.fail();
    // Until it waits again, or is done.
    await Promise.race([consumer.run, consumer.waits.promise]);
  }

  /** A write that nobody waits for arrives. */
  async arrive(pick: number): Promise<void> {
    const stray = this.#strays[pick % Math.max(1, this.#strays.length)];
    if (stray === undefined) return;
    this.#strays = this.#strays.filter((one) => one !== stray);
    await stray.land();
  }

  show(replica: number, more: number): void {
    this.vectorize.show(replica, this.vectorize.shownBy(replica) + more);
    for (let at = this.#firstShownMs.length; at < this.vectorize.shownBy(replica); at += 1)
      this.#firstShownMs[at] = Date.now();
  }

  async pass(ms: number): Promise<void> {
    const untilMs = Date.now() + ms;
    for (const stray of this.#strays.filter((one) => one.untilMs <= untilMs)) {
      this.#strays = this.#strays.filter((one) => one !== stray);
      await stray.land();
    }
    // No invocation lives longer than a claim, and no question longer than this.
    this.#parked = this.#parked.filter((one) => one.consumer.startedMs + CLAIM_MS > untilMs);
    await this.finishAsking((one) => one.atMs + ASKING_MS < untilMs);
    this.#clock.pass(ms);
    const lagging = this.#firstShownMs.filter((shownMs) => shownMs <= untilMs - REPLICA_LAG_MS).length;
    for (const replica of [0, 1]) this.vectorize.show(replica, lagging);
  }

  /** An auction asks the index; it comes to the room later. */
  async ask(day: number, angle: number, replica: number): Promise<void> {
    const vector = Float32Array.of(Math.cos(angle), Math.sin(angle));
    this.vectorize.replica = replica;
    const hits = await this.#index.query(this.#day(day).tenantId, vector, 20);
    // And an index that minds no namespace.
    const foreign = this.cleared.filter((known) => known.day !== day).map(({ entry }) => entry.auctionId);
    this.#asked.push({ day, vector, hits: [...hits.map(({ id }) => id), ...foreign], atMs: Date.now() });
  }

  /** Questions come to the room. A perfect memory finds the tenant's own, nearest first, as last known. */
  async finishAsking(which: (asked: { readonly atMs: number }) => boolean = () => true): Promise<void> {
    for (const one of this.#asked.filter(which)) {
      const { day, vector, hits } = one;
      const found = await this.#day(day).market.recall({ vector: [...vector], hits, topK: TOP_K });
      const perfect = this.cleared
        .filter((known) => known.day === day)
        .map((known) => ({ entry: known.entry, similarity: cosine(vector, known.vector) }))
        .toSorted((a, b) => b.similarity - a.similarity || (a.entry.auctionId < b.entry.auctionId ? -1 : 1));
      this.answers.push({ found, perfect: perfect.slice(0, TOP_K) });
    }
    this.#asked = this.#asked.filter((one) => !which(one));
  }

  /** Everything comes to rest: consumers go on being called, and nothing fails any more. */
  async drain(): Promise<void> {
    for (let round = 0; round < 60; round += 1) {
      while (this.#parked.length > 0) await this.decide(0, "answer");
      for (const day of [0, 1]) await this.startConsumer(day);
      while (this.#parked.length > 0) await this.decide(0, "answer");
      this.vectorize.flush();
      await this.pass(61_000);
      if ((await this.#windowSizes()).every((size) => size === 0)) return;
    }
    throw new Error(`the windows do not empty: ${(await this.#windowSizes()).join(" and ")} entries left`);
  }

  /** What each replica shows to each tenant of all auctions there are, and the newest version of the tenant's own. */
  async indexed(): Promise<readonly { readonly shown: Versions; readonly newest: Versions }[]> {
    const ids = this.cleared.map(({ entry }) => entry.auctionId);
    const seen: { readonly shown: Versions; readonly newest: Versions }[] = [];
    for (const replica of [0, 1]) {
      this.vectorize.replica = replica;
      for (const [day, { tenantId }] of this.days.entries()) {
        const own = this.cleared.filter((known) => known.day === day).map(({ entry }) => entry);
        const newest = new Map(own.map((entry) => [entry.auctionId, entry.version]));
        seen.push({ shown: await this.#index.visibleVersions(tenantId, ids), newest });
      }
    }
    return seen;
  }

  /** The index as a consumer sees it: every call waits for its fate. */
  #parking(consumer: Consumer): VectorIndex {
    const park = async <T>(ids: readonly string[] | null, work: () => Promise<T>): Promise<T> => {
      const done = Promise.withResolvers<T>();
      let result: T;
      this.#parked.push({
        consumer,
        ids,
        land: async () => {
          result = await work();
        },
        answer: () => done.resolve(result),
        fail: () => done.reject(new Error(DOWN)),
      });
      consumer.waits.resolve();
      return done.promise;
    };
    return {
      ...this.#index,
      visibleVersions: async (of, ids) => park(null, async () => this.#index.visibleVersions(of, ids)),
      upsert: async (of, vectors) => {
        this.#noteCrowding(vectors);
        return park(
          vectors.map(({ id }) => id),
          async () => this.#index.upsert(of, vectors),
        );
      },
    };
  }

  #noteCrowding(vectors: readonly IndexedVector[]): void {
    const inFlight = new Set([...this.#parked, ...this.#strays].flatMap(({ ids }) => ids ?? []));
    this.crowded.push(...vectors.map(({ id }) => id).filter((id) => inFlight.has(id)));
  }

  async #windowSizes(): Promise<number[]> {
    return Promise.all(
      this.days.map(async ({ market }) =>
        runInDurableObject(market, (_, { storage }) => {
          const query =
            "SELECT count(*) AS n FROM memory_window WHERE shown_at_ms IS NULL OR shown_at_ms > ?";
          return storage.sql.exec<{ n: number }>(query, Date.now() - GRACE_MS).one().n;
        }),
      ),
    );
  }

  async #inRoom(day: number, work: (memory: MemoryStore) => void): Promise<void> {
    await runInDurableObject(this.#day(day).market, (_, { storage }) => {
      work(new MemoryStore(storage, () => Date.now()));
    });
  }

  #day(day: number): MarketDay {
    const found = this.days[day];
    if (found === undefined) throw new Error(`no tenant ${day}`);
    return found;
  }
}
