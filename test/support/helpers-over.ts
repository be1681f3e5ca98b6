import type { ModelPort } from "../../src/agents/model-port.ts";
import type { HelperStock } from "../../src/auction/spread-calls.ts";

/** Helpers that ask the same models, in this invocation: for auctions whose calls are scripted. */
export function helpersOver(models: Pick<ModelPort, "bid" | "judge">): HelperStock {
  let made = 0;
  const limits = (deadlineAtMs: number) => ({ signal: new AbortController().signal, deadlineAtMs });
  return {
    take: () => `helper ${++made}`,
    giveBack: () => undefined,
    helper: () => ({
      bid: async ({ agent, deadlineAtMs }, input) => models.bid(agent, input, limits(deadlineAtMs)),
      judge: async ({ agent, deadlineAtMs }, input) => models.judge(agent, input, limits(deadlineAtMs)),
      abort: async () => undefined,
    }),
  };
}
