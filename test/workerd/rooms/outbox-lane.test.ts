/** One lane of an outbox, over an object's own storage: what is added, replaced and delivered in which order. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { Outbox } from "../../../src/durable/outbox.ts";
import { migrateSchema } from "../../../src/durable/schema.ts";
import { Timers } from "../../../src/durable/timers.ts";
import { TASK_SCHEMA } from "../../../src/taskroom/task-schema.ts";

type Message = { readonly kind: "open" | "award" | "stop" };

interface Lane {
  readonly outbox: Outbox<Message>;
  /** Another one over the same storage, as after a death. */
  reborn(): Outbox<Message>;
  /** Batches as they were delivered. */
  readonly delivered: Message["kind"][][];
  /** The next delivery waits until the function that comes back is called. */
  hold(): () => void;
  transaction(work: () => void): void;
  rows(): object[];
  /** Timers of the lane. */
  timers(): object[];
}

async function inLane(work: (lane: Lane) => Promise<void>): Promise<void> {
  const object = env.TASK_ROOM.get(env.TASK_ROOM.newUniqueId());
  await runInDurableObject(object, async (_room, { storage }) => {
    migrateSchema(storage, TASK_SCHEMA);
    const delivered: Message["kind"][][] = [];
    let held: Promise<void> = Promise.resolve();
    const now = () => 2_000_000_000_000;
    const timers = new Timers(storage, now);
    const open = () =>
      new Outbox<Message>({
        storage,
        timers,
        now,
        deliver: async ({ messages }) => {
          await held;
          delivered.push(messages.map(({ kind }) => kind));
        },
        transact: async (wanted) => {
          storage.transactionSync(wanted);
        },
        report: (_lane, error) => {
          throw error;
        },
        tidy: "at-once",
      });
    await work({
      outbox: open(),
      reborn: open,
      delivered,
      hold: () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        held = promise;
        return resolve;
      },
      transaction: (wanted) => storage.transactionSync(wanted),
      rows: () => storage.sql.exec("SELECT lane, message FROM outbox").toArray(),
      timers: () => storage.sql.exec("SELECT subject FROM timers").toArray(),
    });
  });
}

describe("what takes the place of an entry", () => {
  test("is told in its stead", async () => {
    await inLane(async ({ outbox, delivered, rows, timers }) => {
      outbox.add("lane", { kind: "open" }, { dueInMs: null });
      expect(timers()).toEqual([]);
      outbox.replace("lane", "open", { kind: "award" });
      expect(timers()).toEqual([{ subject: "lane" }]);
      await outbox.flush("lane");
      expect(delivered).toEqual([["award"]]);
      expect(rows()).toEqual([]);
      expect(timers()).toEqual([]);
    });
  });

  test("is told where there is no such entry", async () => {
    await inLane(async ({ outbox, delivered, timers }) => {
      outbox.replace("lane", "open", { kind: "award" });
      expect(timers()).toEqual([{ subject: "lane" }]);
      await outbox.flush("lane");
      expect(delivered).toEqual([["award"]]);
    });
  });

  test("is told though that entry is just on its way", async () => {
    await inLane(async ({ outbox, delivered, hold, rows }) => {
      outbox.add("lane", { kind: "open" });
      const release = hold();
      const first = outbox.flush("lane");
      outbox.replace("lane", "open", { kind: "award" });
      const second = outbox.flush("lane");
      release();
      await Promise.all([first, second]);
      expect(delivered).toEqual([["open"], ["award"]]);
      expect(rows()).toEqual([]);
    });
  });
});

describe("an entry that a failed transaction dropped", () => {
  test("is told before what comes after it", async () => {
    await inLane(async ({ outbox, reborn, delivered, transaction }) => {
      for (const kind of ["open", "stop"] as const) outbox.add("lane", { kind });
      const later = reborn();
      const failing = () =>
        transaction(() => {
          for (const kind of ["open", "stop"] as const) later.drop("lane", kind);
          later.add("lane", { kind: "award" });
          throw new Error("later in the transaction");
        });
      expect(failing).toThrow("later in the transaction");
      later.add("lane", { kind: "award" });
      await later.flush("lane");
      expect(delivered).toEqual([["open", "stop", "award"]]);
    });
  });
});
