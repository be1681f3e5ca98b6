/**
 * Writes one recorded run of our own making, for places that have no recorded runs: `node emulators/recorded/generate.ts <directory> [seed]`.
 *
 * The shape of a real one (145 steps, a context that grows by what each step returns, cached tokens, outputs up to 10 KB);
 * the words are ours, drawn from a seed, and mean nothing. Runs in Node only; never part of the Worker.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RecordedStep, RecordedTrace } from "./trace-schema.ts";

const STEPS = 145;
const LONGEST_OUTPUT = 10_000;
/** Tokens of the system prompt and tools that come before the task. */
const HEAD_TOKENS = 1200;
/** Share of the earlier context that a provider's cache serves again. */
const CACHED_SHARE = 0.9;
const CHARACTERS_PER_TOKEN = 4;
const USD_PER_TOKEN = { prompt: 1.25e-6, cached: 0.125e-6, completion: 10e-6 };

const MODULES = ["ledger", "parser", "router", "scheduler", "cache", "index", "session", "report"];
const ACTIONS = [
  "look at",
  "search",
  "run the tests of",
  "read the callers of",
  "change",
  "check the change in",
];
const FINDINGS = [
  "the default is read too late",
  "an empty list is taken for a missing one",
  "the two clocks differ",
  "the sum is rounded twice",
  "nothing unusual",
];

export interface GenerateOptions {
  readonly seed: number;
}

/** One run: the same seed, the same run. */
export function generatedTrace(options: GenerateOptions): RecordedTrace {
  const random = xoroshiro128plus(options.seed);
  const below = (limit: number) => uniformInt(random, 0, limit - 1);
  const pick = (words: readonly string[]) => words[below(words.length)] ?? "";
  const prompt = `The ${pick(MODULES)} module gives a wrong total when a ${pick(MODULES)} entry is written twice (generated task ${options.seed}). Find the cause and repair it.`;
  let contextTokens = HEAD_TOKENS + tokens(prompt);
  let earlierTokens = 0;
  const steps = Array.from({ length: STEPS }, (_, k): RecordedStep => {
    const module = pick(MODULES);
    const text = `Step ${k + 1}: I ${pick(ACTIONS)} ${module}.ts next; so far ${pick(FINDINGS)}.`;
    const command =
      k === STEPS - 1 ? "git diff" : `sed -n '${below(200) + 1},${below(200) + 201}p' src/${module}.ts`;
    const output = generatedOutput({ length: outputLength(below), module, below });
    const completionTokens = tokens(text) + tokens(command) + below(80);
    const usage = {
      prompt_tokens: contextTokens,
      completion_tokens: completionTokens,
      prompt_tokens_details: { cached_tokens: Math.floor(earlierTokens * CACHED_SHARE) },
      completion_tokens_details: { reasoning_tokens: Math.floor(completionTokens / 3) },
    };
    earlierTokens = contextTokens;
    contextTokens += completionTokens + tokens(output);
    return { text, command, output, usage, cost_usd: cost(usage) };
  });
  return {
    task_id: `generated-${options.seed}`,
    model: "generated-model",
    prompt,
    submission: `diff --git a/src/ledger.ts b/src/ledger.ts\n+// generated ${options.seed}\n`,
    resolved: false,
    steps,
  };
}

/** Writes `<directory>/generated-<seed>.json` and returns its path. */
export async function writeGeneratedTrace(directory: string, options: GenerateOptions): Promise<string> {
  const trace = generatedTrace(options);
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${trace.task_id}.json`);
  await writeFile(path, `${JSON.stringify(trace)}\n`);
  return path;
}

/** Most outputs are short, some fill the window: one in eight may reach the limit. */
function outputLength(below: (limit: number) => number): number {
  return below(8) === 0 ? below(LONGEST_OUTPUT) + 1 : below(900) + 20;
}

function generatedOutput(options: {
  readonly length: number;
  readonly module: string;
  readonly below: (limit: number) => number;
}): string {
  let output = "<returncode>0</returncode>\n<output>\n";
  while (output.length < options.length) {
    output += `  const ${options.module}${options.below(1000)} = read(${options.below(100_000)}); // line of ${options.module}\n`;
  }
  return `${output.slice(0, options.length)}\n</output>`;
}

function tokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

function cost(usage: {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}): number {
  const cached = usage.prompt_tokens_details.cached_tokens;
  return (
    (usage.prompt_tokens - cached) * USD_PER_TOKEN.prompt +
    cached * USD_PER_TOKEN.cached +
    usage.completion_tokens * USD_PER_TOKEN.completion
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [directory, seed] = process.argv.slice(2);
  if (directory === undefined)
    throw new Error("usage: node emulators/recorded/generate.ts <directory> [seed]");
  process.stdout.write(`${await writeGeneratedTrace(directory, { seed: Number(seed ?? 1) })}\n`);
}
