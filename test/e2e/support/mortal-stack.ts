/** A stack that is killed as a machine dies, and comes up again on the same state and the same ports. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimPorts } from "../../../emulators/stack/ports.ts";
import { spawnStack, type SpawnedStack } from "../../../emulators/stack/spawn-stack.ts";
import type { StackOptions } from "../../../emulators/stack/start-stack.ts";

export class MortalStack {
  readonly directory: string;
  readonly #options: StackOptions;
  #life: SpawnedStack;

  private constructor(options: StackOptions, life: SpawnedStack) {
    this.directory = options.directory;
    this.#options = options;
    this.#life = life;
  }

  /** @param name of its directory */
  static async start(name: string, vars: Pick<StackOptions, "vars" | "emulatorVars">): Promise<MortalStack> {
    const directory = await mkdtemp(join(tmpdir(), `saleroom-${name}-`));
    const [port = 0, emulatorPort = 0] = await claimPorts([0, 0]);
    const options = { ...vars, directory, port, emulatorPort, quiet: true };
    return new MortalStack(options, await spawnStack(options));
  }

  /** As it lives now; its addresses are the same in every life. */
  get life(): SpawnedStack {
    return this.#life;
  }

  async dieAndRise(): Promise<void> {
    await this.#life.kill();
    this.#life = await spawnStack(this.#options);
  }

  /** In order, for good. */
  async end(): Promise<void> {
    await this.#life.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
