/** A market day whose pool and policy a test changes, by calls and behind the room's back. */
import { runInDurableObject } from "cloudflare:test";
import { poolSchema, type Agent } from "../../../src/market/agent.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import type { PolicyChange } from "../../../src/market/policy-document.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { CHEAP, DEAR, evictRooms, MIDDLE, type MarketDay } from "./market-day.ts";

export const OWN = "agt_own" as AgentId;
export const [OWN_AGENT] = poolSchema.parse([
  {
    id: OWN,
    name: "Own",
    model: "own",
    provider: "openai-compatible",
    baseUrl: "http://127.0.0.1:1/v1",
    usdPerMtok: { input: 1, output: 2 },
    priceSource: "made up for this test",
    contextTokens: 32_768,
    maxOutputTokens: 4_096,
    topLogprobs: 5,
    regions: ["eu"],
  },
]) as [Agent];
export const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check", [OWN]: "know" };
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
export const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength, [OWN]: byLength };
export const scripted = () => new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, steps: [{ text: "42" }] });

/** As the operator changes it. */
export async function change({ market }: Pick<MarketDay, "market">, to: PolicyChange): Promise<void> {
  const set = await market.changePolicy({ by: null, ifVersion: null, change: to });
  if (!set.ok) throw new Error(JSON.stringify(set.failure));
}

/** The tenant's document as a deployment may find it. */
export async function tamper({ market }: MarketDay, document: string): Promise<void> {
  await runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => {
    storage.sql.exec(`UPDATE tenant SET body = ${document}`);
  });
  await evictRooms(market);
}
