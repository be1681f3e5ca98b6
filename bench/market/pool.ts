/** The pool of the study: the house agents with the prices of the local deployment. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HOUSE_SIZES, type HouseSize } from "../../emulators/house/constants.ts";
import { type Agent, outputPrice, poolSchema } from "../../src/market/agent.ts";
import type { AgentId } from "../../src/market/ids.ts";

const file = join(import.meta.dirname, "../../src/agents/pool/local.json");

/** House agents only, cheapest first. */
export const pool: readonly Agent[] = poolSchema
  .parse(JSON.parse(readFileSync(file, "utf8")))
  .filter((agent) => sizeNamed(agent.model) !== undefined)
  .toSorted((a, b) => outputPrice(a) - outputPrice(b));

function sizeNamed(model: string): HouseSize | undefined {
  return HOUSE_SIZES.find((size) => model.endsWith(size.id));
}

export function agentOf(id: AgentId): Agent {
  const agent = pool.find((candidate) => candidate.id === id);
  if (agent === undefined) throw new Error(`not in the pool: ${id}`);
  return agent;
}

/** The emulated size behind an agent. */
export function sizeOf(id: AgentId): HouseSize {
  return sizeNamed(agentOf(id).model) as HouseSize;
}

export const largest: AgentId = (pool.at(-1) as Agent).id;
export const smallest: AgentId = (pool[0] as Agent).id;
