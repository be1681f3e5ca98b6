/** Recorded runs as tasks, and the pool of the tenant that runs them: one agent, the recorded model. */
import type { AgentInput } from "../../../src/market/agent.ts";
import { RECORDED_PREFIX } from "../../recorded/recorded-reply.ts";
import type { DemoTask } from "../demo-task.ts";
import type { Recording } from "./recording.ts";
import { recordedPrice } from "./prices.ts";

/** Longer than any recorded run that we know. */
const MAX_STEPS = 300;
/** Room for the largest recorded answer: the recorded length is served whatever the limit says. */
const MAX_OUTPUT_TOKENS = 65_536;
const CONTEXT_TOKENS = 1_048_576;

export function recordedAgent(model: string): AgentInput {
  const { usdPerMtok, source } = recordedPrice(model);
  return {
    id: `agt_recorded-${model.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-")}`.slice(0, 64),
    name: `recorded ${model}`.slice(0, 80),
    provider: "openai-compatible",
    model: `${RECORDED_PREFIX}${model}`,
    baseUrlVariable: "EMULATOR_BASE_URL",
    apiKeySecret: "EMULATOR_API_KEY",
    usdPerMtok,
    priceSource: source,
    contextTokens: CONTEXT_TOKENS,
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    emulated: true,
  };
}

export function recordedTask({ name, trace }: Recording): DemoTask {
  // What the emulated run submits: the recorded patch, or the last thing that its shell said.
  const expected = trace.submission === "" ? (trace.steps.at(-1)?.output ?? "") : trace.submission;
  return {
    label: name,
    bin: null,
    input: {
      prompt: trace.prompt,
      verifier: { type: "equals", expected, trim: true, ignoreCase: false },
      limits: { maxSteps: MAX_STEPS, maxOutputTokens: MAX_OUTPUT_TOKENS },
      metadata: { recording: name.slice(0, 512) },
    },
  };
}
