/** One run: the workload goes on while the process is killed, again and again; then everything comes to rest and is read. */
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { drawsFor } from "../../emulators/house/draws.ts";
import { Client } from "./client.ts";
import { collectEvidence, type EvidenceWorld } from "./collect-evidence.ts";
import type { Evidence } from "./evidence.ts";
import { openWorkQueue } from "../queue/work-queue.ts";
import { serveFailpoints } from "./failpoint-server.ts";
import { KillPlan, type Place } from "./kill-plan.ts";
import { Killer, type KillerOptions } from "./killer.ts";
import { CHAOS_WORKER, Lives, QUICK_TIMES } from "./lives.ts";
import { openTenants, runErrands, type ErrandsDone, type OpenTenant } from "./market-days.ts";
import { runOperator, stuck } from "./operator-day.ts";
import { finishPassing, type Passed } from "./passing-tenant.ts";
import { settle, stateOf, type Settled } from "./settle.ts";
import { serveOutside, type OutsideServers } from "./serve-outside.ts";
import { faultRule, passingPool, type Outside } from "./workload.ts";

export interface ChaosOptions extends KillerOptions {
  readonly directory: string;
  readonly tasks: number;
  readonly concurrency: number;
  /** Kills at each failpoint; and which of them are killed at. */
  readonly failpointKills: number;
  readonly sample: ReadonlySet<string> | null;
  readonly progress: (line: string) => void;
}

export interface ChaosRun {
  readonly evidence: Evidence;
  readonly places: readonly Place[];
  readonly quiet: readonly Place[];
  /** Calls that objects offer and nobody made. */
  readonly uncalled: readonly string[];
  readonly randomKills: number;
  readonly placeKills: number;
  /** In them: some kills find several places stood at. */
  readonly placesStoodAt: number;
  readonly operatorRounds: number;
  readonly refusals: ErrandsDone["refusals"];
  readonly settled: Settled;
  readonly seconds: { readonly killing: number; readonly all: number };
}

/** Of the rounds that only settle: what a model needs there is not what is measured. */
const LATENCY_SCALE = "0.05";

export async function runChaos(options: ChaosOptions): Promise<ChaosRun> {
  const plan = new KillPlan(options.seed, options.failpointKills, options.sample);
  const passing: Passing = { pass: (name, quiet) => plan.pass(name, quiet) };
  const failpoints = await serveFailpoints((name, quiet) => passing.pass(name, quiet));
  const servers = await serveOutside();
  let url = "";
  const queue = await openWorkQueue(() => `${url}/__chaos/deliveries`);
  const lives = await Lives.prepare({
    directory: options.directory,
    worker: CHAOS_WORKER,
    vars: {
      ...QUICK_TIMES,
      ...servers.vars,
      // What fails comes again at once.
      RETRY_S: "0",
      CHAOS_URL: failpoints.origin,
      QUEUE_URL: queue.origin,
    },
    emulatorVars: { LATENCY_SCALE, VECTORIZE_DELAY_MS: "300" },
  });
  try {
    await lives.start();
    ({ url } = lives.stack);
    return await runOn({ lives, plan, passing, servers }, options);
  } finally {
    await lives.end();
    await queue.close();
    await failpoints.close();
    await servers.close();
  }
}

/** Who is told of a place that is passed: the plan alone, until there is a killer. */
interface Passing {
  pass: (name: string, quiet: boolean) => boolean;
}

interface Stage {
  readonly lives: Lives;
  readonly plan: KillPlan;
  readonly passing: Passing;
  readonly servers: OutsideServers;
}

async function runOn({ lives, plan, passing, servers }: Stage, options: ChaosOptions): Promise<ChaosRun> {
  const startedMs = performance.now();
  const seconds = () => Math.round((performance.now() - startedMs) / 1_000);
  const { url, emulatorUrl, adminSecret } = lives.stack;
  const client = new Client(url);
  const { hookOrigin, toolOrigin, checker } = servers;
  const outside = { docsUrl: `${emulatorUrl}/docs`, checkerUrl: checker.origin };
  const world = { client, url, emulatorUrl, adminSecret, hookOrigin, toolOrigin, outside };
  checker.tell = async ({ path, token, outcome }) =>
    void (await client.ask({ method: "POST", path, bearer: token, body: { outcome } }));
  const tenants = await openTenants(world);
  await setFaults(emulatorUrl, options.seed);
  const methods = await methodsOf(client);
  // A sample says nothing about calls that it did not come to.
  const isSample = options.sample !== null;
  const killer = new Killer({
    lives,
    plan,
    options,
    uncalled: () => (isSample ? [] : uncalled(methods, plan)),
  });
  passing.pass = (name, quiet) => killer.pass(name, quiet);
  const over = new AbortController();
  const passed: Passed[] = [];
  const operator = runOperator({ ...operatorWorld(world, tenants, options.seed), passed }, over.signal);
  const errands = runErrands(
    { ...world, tenants, seed: options.seed },
    { concurrency: options.concurrency, pace: killer },
  );
  await Promise.race([killer.run(), failed(operator), failed(errands)]);
  const killing = seconds();
  options.progress(`killed ${lives.count - 1} times in ${killing} s; the rest of the tasks runs on`);
  over.abort();
  const done = await errands;
  client.close();
  const operatorRounds = await operator;
  const rest = await readRest({ ...world, tenants, passed }, { done, progress: options.progress });
  return {
    ...rest,
    evidence: { ...rest.evidence, ...servers.seen() },
    places: plan.places(),
    quiet: plan.quiet(),
    uncalled: uncalled(methods, plan),
    randomKills: killer.randomKills,
    placeKills: killer.placeKills,
    placesStoodAt: killer.placesStoodAt,
    operatorRounds,
    refusals: done.refusals,
    seconds: { killing, all: seconds() },
  };
}

/** Once nothing new begins: everything comes to rest, and is read. */
async function readRest(
  world: EvidenceWorld & { readonly passed: Passed[] },
  { done, progress }: { readonly done: ErrandsDone; readonly progress: ChaosOptions["progress"] },
) {
  const { client, tenants, emulatorUrl } = world;
  await fetch(`${emulatorUrl}/emulator/faults`, { method: "DELETE" });
  const queries = async () => queriesOf(client, tenants, done);
  const first = await settle(client, queries);
  // What was given up after the last death is redriven, too.
  await stuck(world, 0);
  const settled = await settle(client, queries, first.aheadMs);
  const aheadS = Math.round(settled.aheadMs / 1_000);
  progress(`at rest after ${settled.rounds} looks, the clock ${aheadS} s ahead`);
  const gone = await finishPassing(world, settled.aheadMs);
  const { acknowledged, heard } = done;
  return {
    settled,
    evidence: { ...(await collectEvidence(world, acknowledged)), gone, acknowledged, heard },
  };
}

/** Rejects when that does, and never resolves: what goes on beside the kills is not to end them. */
async function failed(work: Promise<unknown>): Promise<never> {
  await work;
  return new Promise(() => undefined);
}

function operatorWorld(
  world: {
    client: Client;
    adminSecret: string;
    hookOrigin: string;
    toolOrigin: string;
    emulatorUrl: string;
    outside: Outside;
  },
  tenants: readonly OpenTenant[],
  seed: number,
) {
  const [tenant] = tenants;
  if (tenant === undefined) throw new Error("no tenant");
  const { input } = drawsFor(seed, "passing").pick(workloadTasks(world.outside.docsUrl));
  const verifier = { type: "http", url: `${world.outside.checkerUrl}/now`, timeoutS: 60 };
  return {
    client: world.client,
    adminSecret: world.adminSecret,
    tenantId: tenant.tenantId,
    key: tenant.key,
    hookUrl: world.hookOrigin,
    toolOrigin: world.toolOrigin,
    task: { ...input, verifier },
    pool: passingPool(world.emulatorUrl),
  };
}

async function setFaults(emulatorUrl: string, seed: number): Promise<void> {
  const response = await fetch(`${emulatorUrl}/emulator/faults/*`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(faultRule(seed)),
  });
  if (!response.ok) throw new Error(`the emulators take no faults: ${await response.text()}`);
}

/** Every room of every tenant, calibration runs included. */
async function queriesOf(client: Client, tenants: readonly OpenTenant[], done: ErrandsDone) {
  return Promise.all(
    tenants.map(async ({ tenantId }) => {
      const { history, market } = await stateOf(client, { tenantId, taskIds: [] });
      const ids = new Set([
        ...done.acknowledged
          .filter((one) => one.tenantId === tenantId)
          .map(({ taskIds }) => taskIds[0] ?? ""),
        ...(history["tasks"] ?? []).map((row) => String(row["task_id"])),
        ...market.heldTasks,
      ]);
      return { tenantId, taskIds: [...ids] };
    }),
  );
}

/** Methods of the objects' classes. */
async function methodsOf(client: Client): Promise<string[]> {
  const { json } = await client.ask({ method: "GET", path: "/__chaos/methods", bearer: "" });
  return Object.entries(json as Record<string, string[]>)
    .flatMap(([room, methods]) => methods.map((method) => `${room}.${method}`))
    .toSorted();
}

/** Those that no place was passed of. */
function uncalled(methods: readonly string[], plan: KillPlan): string[] {
  return methods.filter((call) => !plan.hasPassed(call));
}
