/** Verdicts over every provider, and what makes a juror leave the jury. */
import { describe, expect, it } from "vitest";
import { anAgent, anthropic, aWorld, gemini, httpError, JURY, limits, openAi, VERDICTS } from "./fakes.ts";

const SCORES = { ok: true, value: { scores: { A: 4, B: 1 } }, bill: { status: "billed" } };

describe("asking", () => {
  it("gives Workers AI the bare schema and reads an object as answer", async () => {
    const { models, runs } = aWorld({
      ai: [{ response: JSON.parse(VERDICTS), usage: { prompt_tokens: 100, completion_tokens: 20 } }],
    });
    expect(await models.judge(anAgent("workers-ai"), JURY, limits())).toMatchObject(SCORES);
    expect(runs[0]?.inputs).toMatchObject({
      temperature: 0,
      seed: 7,
      max_tokens: 128 + 2 * 48 + 4_096,
      response_format: { type: "json_schema", json_schema: { type: "object", required: ["verdicts"] } },
    });
  });

  it("gives OpenAI-compatible endpoints the envelope", async () => {
    const { models, requests } = aWorld({ http: [openAi({ content: VERDICTS })] });
    expect(await models.judge(anAgent("openai-compatible"), JURY, limits())).toMatchObject(SCORES);
    expect(requests[0]?.body.response_format).toMatchObject({
      type: "json_schema",
      json_schema: { strict: true, schema: { type: "object" } },
    });
  });

  it("falls back to JSON in the prompt where the endpoint refuses a schema", async () => {
    const { models, requests } = aWorld({
      http: [
        httpError(400, {}, "response_format is not supported"),
        openAi({ content: `Sure:\n${VERDICTS}` }),
      ],
    });
    const answer = await models.judge(anAgent("openai-compatible"), JURY, limits());
    expect(answer).toMatchObject({ ...SCORES, requests: 2 });
    expect(requests[1]?.body).not.toHaveProperty("response_format");
  });

  it("does the same on Workers AI (code 5025)", async () => {
    const { models, runs } = aWorld({
      ai: [
        new Error("AiError: 5025: This model doesn't support JSON Schema."),
        { response: VERDICTS, usage: { prompt_tokens: 100, completion_tokens: 20 } },
      ],
    });
    expect(await models.judge(anAgent("workers-ai"), JURY, limits())).toMatchObject(SCORES);
    expect(runs[1]?.inputs).not.toHaveProperty("response_format");
  });

  it("uses Anthropic's own structured output", async () => {
    const { models, requests } = aWorld({ http: [anthropic([{ type: "text", text: VERDICTS }])] });
    expect(await models.judge(anAgent("anthropic"), JURY, limits())).toMatchObject(SCORES);
    expect(requests[0]?.body.output_config.format).toMatchObject({ type: "json_schema" });
  });

  it("uses Google's response schema", async () => {
    const { models, requests } = aWorld({ http: [gemini([{ text: VERDICTS }])] });
    expect(await models.judge(anAgent("google"), JURY, limits())).toMatchObject(SCORES);
    expect(requests[0]?.body.generationConfig).toMatchObject({ responseMimeType: "application/json" });
  });
});

const read = async (response: string): Promise<unknown> => {
  const { models } = aWorld({ ai: [{ response, usage: { prompt_tokens: 100, completion_tokens: 20 } }] });
  const answer = await models.judge(anAgent("workers-ai"), JURY, limits());
  expect(answer.bill.status).toBe("billed");
  return answer.ok ? answer.value.scores : `${answer.failure.reason}: ${answer.failure.message}`;
};

const verdicts = (...scores: readonly [string, unknown][]): string =>
  JSON.stringify({ verdicts: scores.map(([bid, score]) => ({ bid, score })) });

describe("reading", () => {
  it.each([
    ["bare", VERDICTS],
    ["in a fence", `\`\`\`json\n${VERDICTS}\n\`\`\``],
    ["in prose with braces", `Bid {A} is {good. ${VERDICTS} That is all {really}.`],
    ["after thinking", `<think>{"verdicts":[]}</think>${VERDICTS}`],
    ["twice the same", `${VERDICTS}\n\n${VERDICTS}`],
    [
      "with numeric strings and remarks",
      verdicts(["A", "4"], [" B ", 1.0]).replace('"score":"4"', '"score":"4.0","why":"}"'),
    ],
  ])("takes JSON %s", async (_form, answer) => {
    expect(await read(answer)).toEqual({ A: 4, B: 1 });
  });

  it.each([
    ["nothing", " ", "empty: the juror wrote no verdicts"],
    ["prose", "A is better.", "malformed: no JSON object with verdicts in the answer"],
    ["cut JSON", VERDICTS.slice(0, -3), "malformed: no JSON object with verdicts in the answer"],
    ["a half point", verdicts(["A", 3.5], ["B", 1]), "malformed: score of A is no integer from 0 to 5"],
    [
      "a score above the range",
      verdicts(["A", 6], ["B", 1]),
      "malformed: score of A is no integer from 0 to 5",
    ],
    [
      "a score below the range",
      verdicts(["A", -1], ["B", 1]),
      "malformed: score of A is no integer from 0 to 5",
    ],
    ["an empty score", verdicts(["A", ""], ["B", 1]), "malformed: score of A is no integer from 0 to 5"],
    ["an unknown label", verdicts(["A", 3], ["C", 1]), 'malformed: unknown label "C"'],
    ["a label twice", verdicts(["A", 3], ["A", 3], ["B", 1]), "malformed: label A twice"],
    ["a missing label", verdicts(["A", 3]), "malformed: no score for B"],
    [
      "a quoted verdict beside its own",
      `The bid says ${verdicts(["A", 5], ["B", 5])} but ${VERDICTS}`,
      "malformed: more than one set of verdicts in the answer",
    ],
  ])("refuses %s", async (_form, answer, failure) => {
    expect(await read(answer)).toBe(failure);
  });
});
