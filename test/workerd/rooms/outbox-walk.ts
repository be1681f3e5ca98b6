/**
 * An outbox with timers and group commit over an object's own storage, beside a model of what is owed: random steps, with
 * transactions that fail, deliveries that fail or are held up, and deaths. Each step checks what was delivered.
 */
import { vi } from "vitest";
import { GroupCommit } from "../../../src/durable/group-commit.ts";
import { Outbox } from "../../../src/durable/outbox.ts";
import { Timers } from "../../../src/durable/timers.ts";

export type Kind = "open" | "other";
export type Change =
  | { readonly do: "add"; readonly lane: number; readonly kind: Kind }
  | { readonly do: "replace" | "drop"; readonly lane: number };
export type Step =
  | { readonly do: "commit"; readonly together: readonly { changes: readonly Change[]; fails: boolean }[] }
  | { readonly do: "flush"; readonly lane: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "receiver"; readonly is: "well" | "failing" | "slow" }
  | { readonly do: "die" };

interface Message {
  readonly kind: Kind;
  readonly n: number;
}

/** A message that was committed. */
interface Owed extends Message {
  readonly lane: string;
  /** Taken back: it may come, and need not. */
  void: boolean;
  received: boolean;
  /** Acknowledged to the object that lives now. */
  acknowledged: boolean;
}

const OWNER = "owner";
const OWNER_MS = 30_000;
const SAFETY_MS = 10_000;
const LONG_MS = 300_000;

/** The room's part that is lost when it dies. */
class Life {
  isOver = false;
  readonly timers: Timers;
  readonly outbox: Outbox<Message>;
  readonly group: GroupCommit;

  constructor(storage: DurableObjectStorage, deliver: (life: Life, batch: Batch) => Promise<void>) {
    const now = () => Date.now();
    this.timers = new Timers(storage, now);
    this.outbox = new Outbox<Message>({
      storage,
      timers: this.timers,
      now,
      deliver: async (batch) => deliver(this, batch),
      transact: async (work) => {
        if (this.isOver) return;
        // Of a room that dies meanwhile, nobody hears.
        await this.group.run(work).catch((error: unknown) => {
          if (!this.isOver) throw error;
        });
      },
      report: () => {},
      tidy: "together",
    });
    this.group = new GroupCommit({
      storage: {
        transactionSync: (work: () => void) => this.#transact(storage, work),
      } as DurableObjectStorage,
      now,
      finish: () => {
        if (this.isOver) return;
        this.outbox.tidy();
        this.timers.arm();
      },
      forget: () => {},
    });
  }

  #transact(storage: DurableObjectStorage, work: () => void): void {
    if (this.isOver) throw new Error("the room is dead");
    storage.transactionSync(work);
  }
}

interface Batch {
  readonly lane: string;
  readonly messages: readonly Message[];
}

export class Walk {
  readonly #storage: DurableObjectStorage;
  readonly #owed: Owed[] = [];
  readonly #held: (() => void)[] = [];
  #receiver: "well" | "failing" | "slow" = "well";
  #life: Life;
  #alarmRings: Promise<void> | null = null;
  /** How late the alarm may be. */
  #safeUntilMs = 0;
  #next = 1;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#life = this.#bear();
  }

  #bear(): Life {
    return new Life(this.#storage, async (life, batch) => this.#receive(life, batch));
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "commit":
        await this.#commit(step.together);
        break;
      case "flush":
        void this.#life.outbox.flush(laneOf(step.lane));
        break;
      case "pass":
        await this.#pass(step.ms);
        break;
      case "receiver":
        this.#receiver = step.is;
        if (step.is !== "slow") this.#release();
        break;
      case "die":
        this.#die();
    }
    await vi.advanceTimersByTimeAsync(0);
    await this.#checkPromises();
  }

  #release(): void {
    for (const release of this.#held.splice(0)) release();
  }

  #die(): void {
    this.#life.isOver = true;
    // What it set in motion comes to nothing, as far as it had not come to the receiver.
    this.#held.length = 0;
    for (const owed of this.#owed) owed.acknowledged = false;
    // While it worked on timers, the alarm stood ahead.
    if (this.#alarmRings !== null) this.#safeUntilMs = Date.now() + SAFETY_MS;
    this.#alarmRings = null;
    this.#life = this.#bear();
  }

  async #commit(together: readonly { changes: readonly Change[]; fails: boolean }[]): Promise<void> {
    const runs = together.map(async ({ changes, fails }) =>
      this.#life.group
        .run(() => {
          const stood = changes.map((change) => this.#change(change));
          if (fails) throw new Error("no room left");
          for (const stand of stood) stand();
        })
        .catch(() => undefined),
    );
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all(runs);
  }

  /** Makes a change, and returns what to note of it once the transaction stands. */
  #change(change: Change): () => void {
    const { outbox, timers } = this.#life;
    const lane = laneOf(change.lane);
    const note = (kind: Kind) => {
      const n = this.#next++;
      const owed = { kind, n, lane, void: false, received: false, acknowledged: false };
      return { message: { kind, n }, stand: () => void this.#owed.push(owed) };
    };
    const takeBack = () => {
      for (const owed of this.#owed) if (owed.lane === lane && owed.kind === "open") owed.void = true;
    };
    if (change.do === "add") {
      // One at a time in a lane.
      const isOpening = change.kind === "open" && !this.#isOpening(lane);
      const { message, stand } = note(isOpening ? "open" : "other");
      if (isOpening) timers.set(OWNER, lane, Date.now() + OWNER_MS);
      outbox.add(lane, message, isOpening ? { dueInMs: null } : {});
      return stand;
    }
    timers.clear(OWNER, lane);
    if (change.do === "drop") {
      outbox.drop(lane, "open");
      return takeBack;
    }
    const { message, stand } = note("other");
    outbox.replace(lane, "open", message);
    return () => {
      takeBack();
      stand();
    };
  }

  async #receive(life: Life, { lane, messages }: Batch): Promise<void> {
    if (life.isOver) return new Promise(() => {});
    for (const message of messages) this.#hear(lane, message);
    if (this.#receiver === "failing") throw new Error("out of reach");
    if (this.#receiver === "slow") await new Promise<void>((resolve) => this.#held.push(resolve));
    if (life.isOver) return new Promise(() => {});
    for (const { n } of messages) {
      for (const owed of this.#owed) if (owed.n === n) owed.acknowledged = true;
    }
  }

  #hear(lane: string, { n }: Message): void {
    const inLane = this.#owed.filter((owed) => owed.lane === lane);
    const owed = inLane.find((one) => one.n === n);
    if (owed === undefined) throw this.#fault(`${lane}: ${n} was told and never decided`);
    if (owed.acknowledged) throw this.#fault(`${lane}: ${n} was told again though it was acknowledged`);
    const skipped = inLane.find((one) => one.n < n && !one.received && !one.void);
    if (skipped !== undefined) throw this.#fault(`${lane}: ${n} was told before ${skipped.n}`);
    owed.received = true;
  }

  /** What `deliver` throws the outbox takes for a receiver out of reach: so it is kept. */
  readonly faults: string[] = [];
  #fault(text: string): Error {
    this.faults.push(text);
    return new Error(text);
  }

  /** Moves the clock, and rings the alarm where it is due. */
  async #pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
    const alarm = await this.#storage.getAlarm();
    if (alarm === null || alarm > Date.now() || this.#alarmRings !== null) return;
    await this.#storage.deleteAlarm();
    const life = this.#life;
    const rings = life.timers
      .ring(
        async ({ kind, subject }) => {
          try {
            if (!Outbox.owns(kind)) await life.group.run(() => this.#onOwner(life, subject));
            await life.outbox.flush(subject);
          } finally {
            // A dead room arms nothing any more.
            if (life.isOver) await new Promise(() => {});
          }
        },
        (timer, error) => this.faults.push(`${timer.kind} ${timer.subject}: ${String(error)}`),
      )
      .finally(() => {
        if (life === this.#life) this.#alarmRings = null;
      });
    this.#alarmRings = rings;
  }

  #onOwner({ timers }: Life, lane: string): void {
    if (this.#isOpening(lane)) timers.set(OWNER, lane, Date.now() + OWNER_MS);
    else timers.clear(OWNER, lane);
  }

  #isOpening(lane: string): boolean {
    return this.#rows().some((row) => row.lane === lane && row.message.includes('"open"'));
  }

  #rows() {
    return this.#storage.sql
      .exec<{ lane: string; message: string }>("SELECT lane, message FROM outbox")
      .toArray();
  }

  #timers() {
    return this.#storage.sql
      .exec<{ subject: string; due_at_ms: number }>("SELECT subject, due_at_ms FROM timers")
      .toArray();
  }

  /** What is owed has a row and a timer, and the alarm stands by the earliest timer. */
  async #checkPromises(): Promise<void> {
    const timers = this.#timers();
    const rows = this.#rows().map(({ message }) => (JSON.parse(message) as Message).n);
    for (const { lane, n, ...owed } of this.#owed) {
      if (owed.void || owed.acknowledged) continue;
      if (!owed.received && !rows.includes(n)) this.#fault(`${lane}: ${n} is lost`);
      if (rows.includes(n) && !timers.some(({ subject }) => subject === lane)) {
        this.#fault(`${lane}: no timer for ${n}`);
      }
    }
    const alarm = await this.#storage.getAlarm();
    if (this.#alarmRings !== null) return;
    const earliest = Math.min(...timers.map((timer) => timer.due_at_ms));
    if (timers.length > 0 && (alarm === null || alarm > Math.max(earliest, Date.now(), this.#safeUntilMs))) {
      this.#fault(`the alarm stands at ${alarm}, a timer at ${earliest}`);
    }
  }

  /** The receiver is well for long enough: everything was told, and the room keeps nothing. */
  async finish(): Promise<void> {
    await this.take({ do: "receiver", is: "well" });
    for (let n = 0; n < 8; n += 1) await this.take({ do: "pass", ms: LONG_MS });
    for (const { lane, n, ...owed } of this.#owed) {
      if (!owed.received && !owed.void) this.#fault(`${lane}: ${n} was never told`);
    }
    const left = { rows: this.#rows(), timers: this.#timers(), alarm: await this.#storage.getAlarm() };
    if (left.rows.length > 0 || left.timers.length > 0 || left.alarm !== null) {
      this.#fault(`left: ${JSON.stringify(left)}`);
    }
  }
}

function laneOf(lane: number): string {
  return `lane-${lane}`;
}
