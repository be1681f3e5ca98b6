import type { ModelPort } from "../../src/agents/model-port.ts";
import { HeldTexts, TEXTS_MISSING } from "../../src/auction/held-texts.ts";
import type { HelperStock } from "../../src/auction/spread-calls.ts";

/** Helpers that ask the same models, in this invocation: for auctions whose calls are scripted. */
export function helpersOver(models: Pick<ModelPort, "bid" | "judge">): HelperStock {
  let made = 0;
  const held = new HeldTexts();
  const limits = (deadlineAtMs: number) => ({ signal: new AbortController().signal, deadlineAtMs });
  return {
    take: () => `helper ${++made}`,
    giveBack: () => undefined,
    helper: (name) => ({
      hold: async (run, from, texts) => held.hold(`${name} ${run}`, from, texts),
      release: async (run) => held.release(`${name} ${run}`),
      bid: async ({ run, agent, deadlineAtMs }, input) => {
        const texts = held.all(`${name} ${run}`, [input.task]);
        if (texts === null) return TEXTS_MISSING;
        return models.bid(agent, { ...input, task: texts[0] ?? "" }, limits(deadlineAtMs));
      },
      judge: async ({ run, agent, deadlineAtMs }, input) => {
        const places = [input.task, ...input.bids.map((bid) => bid.strategy)];
        const texts = held.all(`${name} ${run}`, places);
        if (texts === null) return TEXTS_MISSING;
        const [task = "", ...strategies] = texts;
        const bids = input.bids.map(({ label }, at) => ({ label, strategy: strategies[at] ?? "" }));
        return models.judge(agent, { ...input, task, bids }, limits(deadlineAtMs));
      },
      abort: async () => undefined,
    }),
  };
}
