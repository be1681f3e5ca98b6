/**
 * The local stack: Saleroom and its emulators in one Miniflare, with all state under one directory.
 *
 * Queues are in memory (as they are under `wrangler dev`) and forget on every stop; D1 and the Durable Objects
 * stay. The workerd process belongs to this process's group: who starts this process detached can end all of it
 * with one signal to the group (see `spawn-stack.ts`).
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, type MiniflareOptions } from "miniflare";
import { applyMigrations } from "./apply-migrations.ts";
import type { WorkerSource } from "./bundle-worker.ts";
import { checkHealth } from "./check-health.ts";
import { openWorkerLog, type WorkerLog } from "./worker-log.ts";
import { claimPorts, LOOPBACK } from "./ports.ts";
import { PROJECT_ROOT } from "./project-root.ts";
import { exitCodeOf, onEndSignal, withoutSignalHandlers, type EndSignal } from "./signals.ts";
import { StackError } from "./stack-error.ts";
import { lockState, type StateLock } from "./state-lock.ts";
import { EMULATORS_WORKER, MAIN_WORKER, placeWorker, type Variables } from "./worker-options.ts";

export interface StackOptions {
  /** Holds everything that outlives a stop; made if it is not there. */
  readonly directory: string;
  /** Default: Saleroom as it stands; a bench puts an entry of its own around it. */
  readonly worker?: WorkerSource;
  /** Of the Worker; 0 takes a free one. */
  readonly port: number;
  /** Of the emulators; 0 takes a free one. */
  readonly emulatorPort: number;
  /** Variables of the Worker that differ from `[env.local.vars]`. */
  readonly vars?: Variables;
  /** Variables of the emulators that differ from `emulators/wrangler.toml`. */
  readonly emulatorVars?: Variables;
  /** True: the Workers' own output goes to `worker.log` in the directory instead of stderr. */
  readonly quiet?: boolean;
  /** Called when the process is asked to end. Absent: stops the stack, then exits. */
  readonly onSignal?: (signal: EndSignal) => void;
}

export interface Stack {
  readonly url: string;
  readonly emulatorUrl: string;
  readonly adminSecret: string;
  readonly directory: string;
  /** Where the Workers' output goes; null: to stderr. */
  readonly logFile: string | null;
  /** Bundles anew and restarts both Workers on the same state. A bundle that fails leaves the old ones running. */
  restart(): Promise<void>;
  /** Resolves once nothing runs any more. May be called twice. */
  stop(): Promise<void>;
}

/** What Miniflare says of a port that another process listens on. */
const ADDRESS_IN_USE = "Address already in use";
const LAUNCH_TRIES = 5;
const CRON = "*/5 * * * *";
const CRON_EVERY_MS = 60_000;
/** The layout of `wrangler dev --persist-to DIR`, so that wrangler's own commands find the same state. */
const STATE_FOLDER = "v3";

interface Configured {
  readonly miniflare: MiniflareOptions;
  readonly mainName: string;
  readonly adminSecret: string;
}

/** @throws StackError when a port is taken, the directory is in use, a bundle or the runtime fails, or parts do not fit */
export async function startStack(options: StackOptions): Promise<Stack> {
  const lock = await lockState(options.directory);
  try {
    return await startLocked(options, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Reads and bundles what a start needs, so that the start that follows in this process finds it done. */
export async function warmUp(options: StackOptions): Promise<void> {
  await configureStack(options, openWorkerLog(options.directory, true));
}

async function startLocked(options: StackOptions, lock: StateLock): Promise<Stack> {
  const log = openWorkerLog(options.directory, options.quiet ?? false);
  const { miniflare, placed, configured } = await launch(options, log);
  const cron = fireCron(miniflare, configured.mainName, log);
  let stopped: Promise<void> | null = null;
  const stop = () => {
    clearInterval(cron);
    stopped ??= miniflare
      .dispose()
      .then(() => lock.release())
      .finally(forgetSignals);
    return stopped;
  };
  const forgetSignals = onEndSignal(
    options.onSignal ?? ((signal) => void stop().finally(() => process.exit(exitCodeOf(signal)))),
  );
  return {
    url: `http://${LOOPBACK}:${placed.port}`,
    emulatorUrl: `http://${LOOPBACK}:${placed.emulatorPort}`,
    adminSecret: configured.adminSecret,
    directory: options.directory,
    logFile: log.path,
    restart: async () => {
      const changed = await configureStack(placed, log);
      await miniflare.setOptions(changed.miniflare);
      await reportHealth(placed, changed, log);
    },
    stop,
  };
}

interface Launched {
  readonly miniflare: Miniflare;
  /** The options with the ports that were taken. */
  readonly placed: StackOptions;
  readonly configured: Configured;
}

/** Starts the runtime. Where a port was free to choose and somebody else was faster, it chooses again. */
async function launch(options: StackOptions, log: WorkerLog): Promise<Launched> {
  const mayChoose = options.port === 0 || options.emulatorPort === 0;
  for (let tries = 1; ; tries += 1) {
    const [port = 0, emulatorPort = 0] = await claimPorts([options.port, options.emulatorPort]);
    const placed = { ...options, port, emulatorPort };
    const configured = await configureStack(placed, log);
    const miniflare = withoutSignalHandlers(() => new Miniflare(configured.miniflare));
    try {
      await miniflare.ready;
      await migrate(placed.directory, () => miniflare.getD1Database("DB", configured.mainName));
      await reportHealth(placed, configured, log);
      return { miniflare, placed, configured };
    } catch (error) {
      await miniflare.dispose().catch(() => undefined);
      if (error instanceof StackError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      const taken = message.includes(ADDRESS_IN_USE);
      if (taken && mayChoose && tries < LAUNCH_TRIES) continue;
      throw new StackError(
        taken ? "port_taken" : "start_failed",
        `The local stack does not start on ports ${port} and ${emulatorPort}: ${message}`,
      );
    }
  }
}

/**
 * Applies what this state has not had yet. Miniflare's D1 keeps this process from reading what workerd writes while it is
 * asked: a state that goes on, whose Worker has work from its first moment, is not asked what a file beside it says.
 */
async function migrate(
  directory: string,
  database: () => ReturnType<Miniflare["getD1Database"]>,
): Promise<void> {
  const migrations = join(PROJECT_ROOT, "migrations");
  const names = readdirSync(migrations).filter((name) => name.endsWith(".sql"));
  const wanted = JSON.stringify(names.toSorted());
  const record = join(directory, "migrated.json");
  if (existsSync(record) && readFileSync(record, "utf8") === wanted) return;
  await applyMigrations(await database(), migrations);
  writeFileSync(record, wanted);
}

/** @throws StackError where something is missing without which nothing works */
async function reportHealth(
  { port }: StackOptions,
  { adminSecret }: Configured,
  log: WorkerLog,
): Promise<void> {
  for (const message of await checkHealth({ url: `http://${LOOPBACK}:${port}`, adminSecret }))
    log.worker({ timestamp: Date.now(), level: "warn", message });
}

async function configureStack(options: StackOptions, log: WorkerLog): Promise<Configured> {
  const emulatorOrigin = `http://${LOOPBACK}:${options.emulatorPort}`;
  const [main, emulators] = await Promise.all([
    placeWorker({
      source: options.worker ?? MAIN_WORKER,
      port: options.port,
      variables: (configured) => ({ ...movedTo(emulatorOrigin, configured), ...options.vars }),
    }),
    placeWorker({
      source: EMULATORS_WORKER,
      port: options.emulatorPort,
      variables: (configured) => ({ ...configured, ...options.emulatorVars }),
    }),
  ]);
  const miniflare = convertV4MiniflareOptions({
    host: LOOPBACK,
    port: 0,
    cf: false,
    logRequests: false,
    unsafeObservability: false,
    log: log.miniflare,
    handleStructuredLogs: log.worker,
    resourcePersistencePath: join(options.directory, STATE_FOLDER),
    isolatedResourcePersistencePath: join(options.directory, STATE_FOLDER),
    workers: [main.options, emulators.options],
  });
  return { miniflare, mainName: main.options.name, adminSecret: main.variables["ADMIN_SECRET"] ?? "" };
}

/** The configured variables, with the emulators' address in them replaced by where they listen now. */
function movedTo(emulatorOrigin: string, configured: Variables): Variables {
  const baseUrl = configured["EMULATOR_BASE_URL"];
  if (baseUrl === undefined) return configured;
  const configuredOrigin = new URL(baseUrl).origin;
  return Object.fromEntries(
    Object.entries(configured).map(([name, value]) => [
      name,
      value.replaceAll(configuredOrigin, emulatorOrigin),
    ]),
  );
}

/** Miniflare knows the cron triggers and never fires them: they are fired here, oftener than in production. */
function fireCron(miniflare: Miniflare, workerName: string, log: WorkerLog): NodeJS.Timeout {
  const fire = async () => {
    const worker = await miniflare.getWorker(workerName);
    await worker.scheduled({ cron: CRON });
  };
  const report = (error: unknown) =>
    log.worker({ timestamp: Date.now(), level: "error", message: `scheduled failed: ${String(error)}` });
  const timer = setInterval(() => void fire().catch(report), CRON_EVERY_MS);
  timer.unref();
  return timer;
}
