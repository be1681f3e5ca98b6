/** Messages that nobody can read: no task belongs to them, and their operator sees them. */
import { drizzle } from "drizzle-orm/d1";
import type { StuckId } from "../market/ids.ts";
import { stuck } from "./schema.ts";

export interface UnreadableMessage {
  readonly stuckId: StuckId;
  readonly queue: string;
  /** The queue's own id of the message: kept once, however often it comes. */
  readonly messageId: string;
  /** What is wrong with it, without anything that stands in it. */
  readonly error: string;
  readonly sinceAtMs: number;
}

export async function keepUnreadable(d1: D1Database, message: UnreadableMessage): Promise<void> {
  const { stuckId, queue, messageId, error, sinceAtMs } = message;
  await drizzle(d1)
    .insert(stuck)
    .values({
      stuckId,
      kind: "unreadable",
      work: queue,
      state: "open",
      tries: 1,
      lapses: 0,
      errorClass: "ZodError",
      error,
      messageId,
      sinceAtMs,
      version: 1,
    })
    .onConflictDoNothing();
}
