/**
 * Saleroom with a driver Worker in the same Miniflare, for rates of its market rooms.
 *
 * Not `startStack`: the driver needs a binding to Saleroom's objects. The work queue has no consumer here, so that the
 * rate is that of rooms and not of traces; the history is written to D1 as ever.
 */
import { join } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare";
import { applyMigrations } from "../../emulators/stack/apply-migrations.ts";
import type { WorkerSource } from "../../emulators/stack/bundle-worker.ts";
import { claimPorts, LOOPBACK } from "../../emulators/stack/ports.ts";
import { PROJECT_ROOT } from "../../emulators/stack/project-root.ts";
import { withoutSignalHandlers } from "../../emulators/stack/signals.ts";
import { EMULATORS_WORKER, MAIN_WORKER, placeWorker } from "../../emulators/stack/worker-options.ts";
import type { DriverAnswer, DriverRequest } from "./driver-worker.ts";

export interface RateStack {
  drive(request: DriverRequest): Promise<DriverAnswer>;
  stop(): Promise<void>;
}

/** No timer is to ring while a rate is measured. */
const CALM = { LEASE_MS: "300000", PICKUP_MS: "600000" };
const DRIVER = "bench-driver";
const WORK_QUEUE = "saleroom-work";

const LONE_MARKET: WorkerSource = {
  ...MAIN_WORKER,
  name: "saleroom-lone-market",
  entry: "bench/auction/lone-market-worker.ts",
  inputs: [...MAIN_WORKER.inputs, "bench/auction"],
};

export interface RateStackOptions {
  /** For the state; the caller removes it. */
  readonly directory: string;
  /** `nothing`: one room that does nothing stands for all tasks' rooms, and nobody carries the history. */
  readonly behind: "everything" | "nothing";
}

export async function startRateStack({ directory, behind }: RateStackOptions): Promise<RateStack> {
  const [port = 0, emulatorPort = 0, driverPort = 0] = await claimPorts([0, 0, 0]);
  const source = behind === "everything" ? MAIN_WORKER : LONE_MARKET;
  const [main, emulators, driver] = await Promise.all([
    placeWorker({ source, port, variables: (configured) => ({ ...configured, ...CALM }) }),
    placeWorker({ source: EMULATORS_WORKER, port: emulatorPort, variables: (configured) => configured }),
    driverWorker(driverPort),
  ]);
  driver.durableObjects = {
    MARKET_ROOM: { className: "MarketRoom", scriptName: main.options.name, useSQLite: true },
    BARE: { className: "BareObject", useSQLite: true },
    TASK_ROOM:
      behind === "everything"
        ? { className: "TaskRoom", scriptName: main.options.name, useSQLite: true }
        : { className: "SilentTaskRoom", useSQLite: true },
    SILENT: { className: "SilentTaskRoom", useSQLite: true },
  };
  const rooms = main.options.durableObjects as Record<string, object>;
  const silent = { className: "SilentTaskRoom", scriptName: DRIVER, useSQLite: true };
  const durableObjects = behind === "nothing" ? { ...rooms, TASK_ROOM: silent } : rooms;
  const { [WORK_QUEUE]: _, ...history } = main.options.queueConsumers as Record<string, object>;
  const consumers = behind === "everything" ? history : {};
  const miniflare = withoutSignalHandlers(
    () =>
      new Miniflare(
        convertV4MiniflareOptions({
          host: LOOPBACK,
          port: 0,
          cf: false,
          logRequests: false,
          unsafeObservability: false,
          log: new Log(LogLevel.ERROR),
          resourcePersistencePath: directory,
          isolatedResourcePersistencePath: directory,
          workers: [
            { ...main.options, durableObjects, queueConsumers: consumers } as V4WorkerOptions,
            emulators.options,
            driver,
          ],
        }),
      ),
  );
  try {
    await miniflare.ready;
    await applyMigrations(
      await miniflare.getD1Database("DB", main.options.name),
      join(PROJECT_ROOT, "migrations"),
    );
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
  return {
    drive: (request) => drive(`http://${LOOPBACK}:${driverPort}`, request),
    stop: () => miniflare.dispose(),
  };
}

async function drive(url: string, request: DriverRequest): Promise<DriverAnswer> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(request) });
  if (!response.ok) throw new Error(`the driver answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as DriverAnswer;
}

async function driverWorker(port: number): Promise<V4WorkerOptions & { durableObjects?: object }> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "driver-worker.ts")],
    bundle: true,
    format: "esm",
    target: "es2023",
    external: ["cloudflare:*", "node:*"],
    write: false,
  });
  return {
    name: DRIVER,
    modules: [{ type: "ESModule", path: "driver.js", contents: outputFiles[0]?.text ?? "" }],
    compatibilityDate: "2026-10-01",
    compatibilityFlags: ["nodejs_compat"],
    unsafeDirectSockets: [{ host: LOOPBACK, port }],
  };
}
