/** Pools of emulated agents: the house models over the OpenAI-compatible wire, each under several ids. */
import { poolSchema, type AgentInput } from "../../src/market/agent.ts";

/** Model and USD per Mtok of output, as in the paper's pool. */
const MODELS = [
  ["house-emulated-4b", 0.05],
  ["house-emulated-8b", 0.09],
  ["house-emulated-14b", 0.16],
  ["house-emulated-32b", 0.36],
] as const;
export const MODEL_NAMES: readonly string[] = MODELS.map(([model]) => model);

/** @param baseUrl of the emulator's wire, such as http://127.0.0.1:8788/v1 */
export function poolOf(size: number, baseUrl: string): AgentInput[] {
  return Array.from({ length: size }, (_, at): AgentInput => {
    const [model, output] = MODELS[at % MODELS.length] ?? MODELS[0];
    return {
      id: `agt_bench-${at + 1}`,
      name: `Bench ${at + 1}`,
      provider: "openai-compatible",
      model,
      baseUrl,
      apiKeySecret: "EMULATOR_API_KEY",
      usdPerMtok: { input: output / 2, output },
      priceSource: "SALE paper's pool; emulated",
      contextTokens: 131_072,
      maxOutputTokens: 16_384,
      emulated: true,
      topLogprobs: 5,
    };
  });
}

/** The largest pool up to this size that the market admits at all. */
export function admittedSize(size: number): number {
  for (let tried = size; tried > 1; tried -= 1) {
    if (poolSchema.safeParse(poolOf(tried, "http://127.0.0.1/v1")).success) return tried;
  }
  throw new Error("the market admits no pool of the bench");
}
