/**
 * One house model: reads the request, answers as its size would, counts its tokens.
 *
 * Pure in the request: no state, no clock, no hidden channel. `request.seed` and the texts decide everything.
 * One seed for all calls of a task gives common random numbers to all its agents; see trace/run.ts for what else works.
 */
import type { ChatReply, ChatRequest, ChatToolCall, EmulatedModel } from "../chat.ts";
import { logprobsOf } from "./bid/logprobs.ts";
import { writeStrategy } from "./bid/write-strategy.ts";
import { DEFAULT_MAX_TOKENS, type HouseSize, QUALITY_SD } from "./constants.ts";
import { drawsFor } from "./draws.ts";
import { judge } from "./jury/judge.ts";
import { viewTask } from "./known-tasks.ts";
import { plainAnswer } from "./plain-answer.ts";
import { drawQuality, meanQuality } from "./quality.ts";
import { type PromptView, readPrompt, wrapsUp } from "./read-prompt.ts";
import { gainFrom } from "./refine/gain.ts";
import { withGain, wordingOf, writeRefined } from "./refine/refined-strategy.ts";
import { rule } from "./panel/rule.ts";
import { drawSuccess } from "./success.ts";
import { tokenize } from "./tokens.ts";
import { lastStep, nextStep } from "./trace/next-step.ts";
import { turnsOf } from "./trace/progress.ts";
import { messageOf } from "./trace/reply.ts";
import { traceRun } from "./trace/run.ts";
import { toolboxOf } from "./trace/toolbox.ts";
import { promptUsage, toolCallTokens } from "./usage.ts";

export interface HouseModelOptions {
  readonly size: HouseSize;
  /** b: logits of success per standard deviation of plan quality. */
  readonly informativeness: number;
  /** Most that contrastive pairs add to the quality of a refined plan. */
  readonly refinementGain: number;
}

/** What the model has to say, before tokens are counted. */
interface Answer {
  readonly content: string | null;
  readonly toolCalls: readonly ChatToolCall[];
  /** Key of the draws for log-probabilities. */
  readonly key: string;
  /** Standard deviations of plan quality above the mean; 0 where no plan is written. */
  readonly qualityZ: number;
}

type ViewOf<Kind extends PromptView["kind"]> = Extract<PromptView, { kind: Kind }>;

function bidAnswer(view: ViewOf<"bid">, seed: number, size: HouseSize): Answer {
  const task = viewTask(view.task);
  const quality = drawQuality({ seed, taskKey: task.key, size, bin: task.bin });
  const content = writeStrategy({ seed, task, size, quality, tools: view.tools, maxTokens: view.maxTokens });
  return {
    content,
    toolCalls: [],
    key: task.key,
    qualityZ: (quality - meanQuality(size, task.bin)) / QUALITY_SD,
  };
}

function refinedAnswer(
  view: ViewOf<"refine">,
  seed: number,
  { size, refinementGain }: HouseModelOptions,
): Answer {
  const task = viewTask(view.task);
  const first = traceRun({ seed, task, strategy: view.own, size, tools: view.tools, refinementGain }).quality;
  const gain = gainFrom({ task: view.task, lessons: view.lessons, most: refinementGain });
  const order = { seed, task, size, quality: first, tools: view.tools, maxTokens: view.maxTokens };
  return {
    content: writeRefined(order, gain),
    toolCalls: [],
    key: `${task.key} ${wordingOf(gain)}`,
    qualityZ: (withGain(first, gain) - meanQuality(size, task.bin)) / QUALITY_SD,
  };
}

function juryAnswer(view: ViewOf<"jury">, seed: number, request: ChatRequest, juror: HouseSize): Answer {
  const task = viewTask(view.task);
  const scores = view.bids.map(({ label, strategy }) => [
    label,
    judge({ seed, taskKey: task.key, task: view.task, bin: task.bin, strategy, juror }),
  ]);
  const json = JSON.stringify(Object.fromEntries(scores));
  return { ...structured(request, "call_verdicts", json), key: task.key, qualityZ: 0 };
}

function rulingAnswer(view: ViewOf<"ruling">, seed: number, request: ChatRequest, size: HouseSize): Answer {
  const task = viewTask(view.task);
  const json = JSON.stringify(rule({ seed, task, result: view.result, judge: size }));
  return { ...structured(request, "call_ruling", json), key: task.key, qualityZ: 0 };
}

/** Some clients ask for structured output by a tool instead of a response schema. */
function structured(request: ChatRequest, id: string, json: string): Pick<Answer, "content" | "toolCalls"> {
  const tool = request.tools[0];
  if (tool === undefined || request.responseSchema !== null) return { content: json, toolCalls: [] };
  return { content: null, toolCalls: [{ id, name: tool.name, arguments: json }] };
}

function traceAnswer(
  view: ViewOf<"trace">,
  seed: number,
  request: ChatRequest,
  { size, informativeness, refinementGain }: HouseModelOptions,
): Answer {
  const task = viewTask(view.task);
  const names = request.tools.map((tool) => tool.name).filter((name) => name !== view.submitTool);
  const run = traceRun({ seed, task, strategy: view.strategy, size, tools: names, refinementGain });
  const tools = toolboxOf(request.tools, view.submitTool);
  const turns = turnsOf(request.messages);
  const succeeds = drawSuccess({ ...run, taskKey: task.key, size, bin: task.bin, informativeness });
  const state = { seed: run.seed, modelId: size.id, task, succeeds, turns, tools };
  const step = wrapsUp(request) ? lastStep(state) : nextStep(state);
  return {
    ...messageOf(step, tools, `${run.seed} ${task.key} ${size.id} ${turns.length}`),
    key: task.key,
    qualityZ: 0,
  };
}

function answer(request: ChatRequest, options: HouseModelOptions): Answer {
  const seed = request.seed ?? 0;
  const view = readPrompt(request);
  if (view.kind === "bid") return bidAnswer(view, seed, options.size);
  if (view.kind === "refine") return refinedAnswer(view, seed, options);
  if (view.kind === "jury") return juryAnswer(view, seed, request, options.size);
  if (view.kind === "ruling") return rulingAnswer(view, seed, request, options.size);
  if (view.kind === "trace") return traceAnswer(view, seed, request, options);
  return { content: plainAnswer(options.size.id), toolCalls: [], key: "chat", qualityZ: 0 };
}

/** Cuts an answer at the token limit, tool calls last: a call that does not fit is not made. */
function reply(request: ChatRequest, options: HouseModelOptions): ChatReply {
  const { content, toolCalls, key, qualityZ } = answer(request, options);
  const { size } = options;
  const limit = Math.floor((request.maxTokens ?? DEFAULT_MAX_TOKENS) / (1 + size.reasoningShare));
  const pieces = tokenize(content ?? "");
  const callTokens = toolCallTokens(toolCalls);
  const fits = pieces.length + callTokens <= limit;
  const text = fits ? content : pieces.slice(0, limit).join("");
  const visible = fits ? pieces.length + callTokens : Math.min(limit, pieces.length);
  const reasoningTokens = Math.round(visible * size.reasoningShare);
  const draws = drawsFor(request.seed ?? 0, key, size.id, "logprobs");
  const calls = fits ? toolCalls : [];
  return {
    content: text,
    toolCalls: calls,
    finishReason: fits ? (calls.length > 0 ? "tool_calls" : "stop") : "length",
    logprobs:
      request.topLogprobs === null || text === null
        ? null
        : logprobsOf({ text, qualityZ, top: request.topLogprobs, draws }),
    usage: { ...promptUsage(request), completionTokens: visible + reasoningTokens, reasoningTokens },
  };
}

/** A house model of one size. */
export function createHouseModel(options: HouseModelOptions): EmulatedModel {
  const { size } = options;
  return {
    id: size.id,
    latencyMs: (_request, { usage }) => {
      const fresh = usage.promptTokens - usage.cachedPromptTokens;
      const seconds = fresh / size.promptTokensPerSecond + usage.completionTokens / size.tokensPerSecond;
      return Math.round(size.firstTokenMs + 1_000 * seconds);
    },
    reply: (request) => reply(request, options),
  };
}
