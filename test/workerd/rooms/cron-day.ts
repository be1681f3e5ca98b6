/**
 * Time as a deployment spends it: the queues bring their messages, again those that fail and at last as dead letters,
 * alarms ring when they are set, and the cron sweeps every five minutes.
 */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { WORK_DELIVERIES } from "../../../src/market/queue-retry.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import { alarmOf, config } from "./market-day.ts";
import { deliver, type StuckTask } from "./stuck-day.ts";

const SWEEP_EVERY_MS = 300_000;
const SENT = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };

export interface CronDayOptions {
  readonly forS: number;
  /** When the first sweep comes. */
  readonly sweepAtS: number;
  /** What waits in the work's queue at first. */
  readonly messages?: readonly unknown[];
  /** Until when the work's queue loses whatever it is sent; default: it loses nothing. */
  readonly losesUntilS?: number;
}

/** In seconds since the beginning. */
export interface CronDay {
  /** When rooms announced work. */
  readonly sentS: number[];
  /** When it was brought to whoever works, dead letters aside. */
  readonly broughtS: number[];
}

interface Due {
  readonly atMs: number;
  readonly happens: () => Promise<unknown>;
}

/** Rooms of this test file have production's times. Call it before there are any. */
export function asInProduction(): void {
  Object.assign(env, { LEASE_MS: "15000", PICKUP_MS: "30000", RETRY_S: "2" });
}

/** Lets so much time pass for the task, whose work these do, on a clock that stands. */
export async function passTime(
  { day, room }: StuckTask,
  deps: TraceDeps,
  { forS, sweepAtS, messages = [], losesUntilS = 0 }: CronDayOptions,
): Promise<CronDay> {
  const beganAtMs = Date.now();
  const sinceS = () => (Date.now() - beganAtMs) / 1_000;
  const passed: CronDay = { sentS: [], broughtS: [] };
  const due = new Set<Due>();
  const later = (inMs: number, happens: Due["happens"]) => void due.add({ atMs: Date.now() + inMs, happens });
  const bring = async (body: unknown, attempts = 1): Promise<void> => {
    passed.broughtS.push(sinceS());
    const { outcome, delayS } = await deliver(deps, body, { attempts });
    if (outcome === "acked") return;
    if (attempts < WORK_DELIVERIES) later((delayS ?? 0) * 1_000, async () => bring(body, attempts + 1));
    else later(0, async () => deliver(deps, body, { queue: "saleroom-dead" }));
  };
  const sweep = async (): Promise<void> => {
    later(SWEEP_EVERY_MS, sweep);
    await day.market.sweep();
  };
  vi.spyOn(env.WORK_QUEUE, "send").mockImplementation(async (body) => {
    passed.sentS.push(sinceS());
    if (sinceS() >= losesUntilS) later(0, async () => bring(body));
    return SENT;
  });
  vi.spyOn(env.HISTORY_QUEUE, "send").mockImplementation(async () => {
    later(0, async () => carryRows(config, day.tenantId));
    return SENT;
  });
  for (const body of messages) later(0, async () => bring(body));
  later(sweepAtS * 1_000, sweep);
  for (;;) {
    const next = [...due, ...(await alarmsOf([day.market, room]))].reduce((first, other) =>
      other.atMs < first.atMs ? other : first,
    );
    if (next.atMs > beganAtMs + forS * 1_000) return passed;
    due.delete(next);
    vi.setSystemTime(Math.max(Date.now(), next.atMs));
    await next.happens();
  }
}

async function alarmsOf(rooms: readonly DurableObjectStub[]): Promise<Due[]> {
  const alarms = rooms.map(async (room) => {
    const atMs = await alarmOf(room);
    return atMs === null ? [] : [{ atMs, happens: async () => runDurableObjectAlarm(room) }];
  });
  return (await Promise.all(alarms)).flat();
}
