/** Recorded runs through the stack, one after the other, each killed so many times in mid-trace. */
import { z } from "zod";
import { readSettledTask, submitTask, type Access } from "../../emulators/demo/api.ts";
import { followEvents } from "../../emulators/demo/follow-events.ts";
import type { Recording } from "../../emulators/demo/replay/recording.ts";
import { recordedAgent, recordedTask } from "../../emulators/demo/replay/replay-tasks.ts";
import { uploadRecordings } from "../../emulators/demo/replay/upload-recordings.ts";
import { drawsFor } from "../../emulators/house/draws.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import type { TaskEvent } from "../../src/market/event.ts";
import type { Lives } from "../chaos/lives.ts";
import type { ReplayStep } from "./normal-journal.ts";

export interface Replayed {
  readonly name: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly events: readonly TaskEvent[];
  readonly steps: readonly ReplayStep[];
  /** Steps that were committed when the process was killed, for each kill. */
  readonly killedAfter: readonly number[];
  /** Calls whose work another holder did again: the house's. */
  readonly lostCalls: number;
}

export interface ReplayOptions {
  readonly seed: number;
  /** In each trace. */
  readonly kills: number;
}

const SETTLE_MS = 60_000;
/** A trace that is killed brings nothing new for some seconds. */
const FRUITLESS = 400;

const traceSchema = z.object({
  steps: z.array(z.looseObject({ attempt: z.int(), step: z.int() })),
  calls: z.array(z.object({ payer: z.string() })),
});

/** @param lives not started yet; ended by the caller */
export async function replayAll(
  lives: Lives,
  recordings: readonly Recording[],
  options: ReplayOptions,
): Promise<Replayed[]> {
  await lives.start();
  await uploadRecordings(lives.stack.emulatorUrl, recordings);
  const keys = new Map<string, string>();
  const done: Replayed[] = [];
  for (const recording of recordings) {
    const { model } = recording.trace;
    const key =
      keys.get(model) ??
      (await createTenant(lives.stack, { name: "replay", pool: [recordedAgent(model)] })).key;
    keys.set(model, key);
    done.push(await replayOne(lives, { recording, access: { url: lives.stack.url, key } }, options));
  }
  return done;
}

async function replayOne(
  lives: Lives,
  { recording, access }: { readonly recording: Recording; readonly access: Access },
  { seed, kills }: ReplayOptions,
): Promise<Replayed> {
  const moments = momentsOf(recording, { seed, kills });
  const killedAfter: number[] = [];
  const taskId = await submitTask(access, recordedTask(recording).input);
  const events: TaskEvent[] = [];
  for await (const event of followEvents({ access, taskId, maxFruitless: FRUITLESS })) {
    events.push(event);
    const due = moments[killedAfter.length];
    if (event.type !== "step-committed" || due === undefined || event.step < due) continue;
    killedAfter.push(event.step);
    await lives.kill();
    await lives.start();
  }
  const { state, outcome } = await readSettledTask(access, taskId, SETTLE_MS);
  const response = await fetch(`${access.url}/v1/tasks/${taskId}/trace`, {
    headers: { authorization: `Bearer ${access.key}` },
  });
  const { steps, calls } = traceSchema.parse(await response.json());
  const lostCalls = calls.filter(({ payer }) => payer === "lost").length;
  return { name: recording.name, state, outcome, events, steps, killedAfter, lostCalls };
}

/** Steps after which a trace is killed: in so many parts of it, drawn from the seed, never in its last one. */
export function momentsOf({ name, trace }: Recording, { seed, kills }: ReplayOptions): number[] {
  const draws = drawsFor(seed, "replay kills", name);
  const part = (trace.steps.length - 2) / Math.max(1, kills);
  return Array.from({ length: kills }, (_, at) => {
    const from = Math.max(1, Math.ceil(at * part));
    return draws.int(from, Math.max(from, Math.floor((at + 0.7) * part)));
  });
}
