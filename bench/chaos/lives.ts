/** The stack over its lives: killed with SIGKILL, and started again on the same state and the same ports. */
import { setTimeout as sleep } from "node:timers/promises";
import { claimPorts } from "../../emulators/stack/ports.ts";
import type { WorkerSource } from "../../emulators/stack/bundle-worker.ts";
import { standBy, type SpawnedStack, type StackInWaiting } from "../../emulators/stack/spawn-stack.ts";
import type { StackOptions } from "../../emulators/stack/start-stack.ts";
import { MAIN_WORKER } from "../../emulators/stack/worker-options.ts";

/** Short times, so that the dead are missed soon; the clock of models is real, so that there is a middle to be killed in. */
export const QUICK_TIMES = {
  LEASE_MS: "1500",
  PICKUP_MS: "700",
  SLICE_MS: "800",
  MODEL_CALL_MS: "4000",
  AUCTION_BID_MS: "3000",
  AUCTION_JURY_MS: "3000",
} as const;

const PORTS_MS = 10_000;

/**
 * While a life starts, clients are at its Worker already and nobody reads what that writes: Miniflare's calls of D1 are
 * made synchronously. A Worker that fills the pipe meanwhile and the process that is to read it wait for each other.
 */
const LITTLE_LOG = { LOG_LEVEL: "error" } as const;

/** With failpoints around the house. */
export const CHAOS_WORKER: WorkerSource = {
  ...MAIN_WORKER,
  name: "saleroom-chaos",
  entry: "bench/chaos/worker/index.ts",
  inputs: [...MAIN_WORKER.inputs, "bench/chaos/worker", "bench/queue"],
};

export interface LivesOptions {
  readonly directory: string;
  readonly worker: WorkerSource;
  /** Of the Worker and the emulators; default: free ones. */
  readonly ports?: readonly [number, number];
  readonly vars: Readonly<Record<string, string>>;
  readonly emulatorVars: Readonly<Record<string, string>>;
}

export class Lives {
  readonly #options: StackOptions;
  #stack: SpawnedStack | null = null;
  #next: StackInWaiting | null;
  #count = 0;

  private constructor(options: StackOptions) {
    this.#options = options;
    this.#next = standBy(options);
  }

  /** Nothing is up yet. */
  static async prepare({ ports, ...options }: LivesOptions): Promise<Lives> {
    const [port = 0, emulatorPort = 0] = ports ?? (await claimPorts([0, 0]));
    const vars = { ...LITTLE_LOG, ...options.vars };
    return new Lives({ ...options, vars, port, emulatorPort, quiet: true });
  }

  /** Of the latest life. @throws Error before the first */
  get stack(): SpawnedStack {
    if (this.#stack === null) throw new Error("nothing was started yet");
    return this.#stack;
  }

  /** How often it was started. */
  get count(): number {
    return this.#count;
  }

  async start(): Promise<void> {
    await this.#portsAreFree();
    const waiting = this.#next ?? standBy(this.#options);
    this.#next = null;
    this.#stack = await waiting.start();
    this.#count += 1;
    this.#next = standBy(this.#options);
  }

  /** The dead may hold them for a moment longer than they live. */
  async #portsAreFree(): Promise<void> {
    const untilMs = performance.now() + PORTS_MS;
    for (;;) {
      try {
        await claimPorts([this.#options.port, this.#options.emulatorPort]);
        return;
      } catch (error) {
        if (performance.now() > untilMs) throw error;
      }
      await sleep(20);
    }
  }

  async kill(): Promise<void> {
    await this.#stack?.kill();
  }

  /** In order, for good. */
  async end(): Promise<void> {
    await this.#next?.discard();
    this.#next = null;
    await this.#stack?.stop();
  }
}
