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
      response_format: { type: "json_schema", json_schema: { type: "object", required: ["A", "B"] } },
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

type Scores = readonly (readonly [label: string, score: unknown])[];

/** As it is asked for; written by hand, since equal keys are lost in an object. */
const labelled = (...scores: Scores): string =>
  `{${scores.map(([label, score]) => `${JSON.stringify(label)}:${JSON.stringify(score)}`).join(",")}}`;
/** As models may write it all the same. */
const listed = (...scores: Scores): string =>
  JSON.stringify({ verdicts: scores.map(([bid, score]) => ({ bid, score })) });

describe.each([
  ["labels and scores", labelled],
  ["a list of verdicts", listed],
])("reading %s", (_form, verdicts) => {
  const both = verdicts(["A", 4], ["B", 1]);

  it.each([
    ["bare", both],
    ["in a fence", `\`\`\`json\n${both}\n\`\`\``],
    ["pretty-printed", JSON.stringify(JSON.parse(both), null, 2)],
    ["in prose with braces", `Bid {A} is {good. ${both} That is all {really}.`],
    ["beside other JSON", `{"thought":"{A} or {B}"} ${both}`],
    ["after thinking", `<think>{"verdicts":[]} {"A":1}</think>${both}`],
    ["twice the same", `${both}\n\n${both}`],
    ["with numeric strings", verdicts(["A", "4"], [" B ", "1.0"])],
  ])("takes JSON %s", async (_where, answer) => {
    expect(await read(answer)).toEqual({ A: 4, B: 1 });
  });

  it.each([
    ["nothing", " ", "empty: the juror wrote no verdicts"],
    ["prose", "A is better.", "malformed: no JSON object with verdicts in the answer"],
    ["JSON of another kind", '{"answer":42}', "malformed: no JSON object with verdicts in the answer"],
    ["cut JSON", both.slice(0, -1), "malformed: no JSON object with verdicts in the answer"],
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
    [
      "a score in words",
      verdicts(["A", "four"], ["B", 1]),
      "malformed: score of A is no integer from 0 to 5",
    ],
    ["an unknown label", verdicts(["A", 3], ["C", 1]), 'malformed: unknown label "C"'],
    ["a label that resembles one", verdicts(["А", 3], ["B", 1]), 'malformed: unknown label "А"'],
    ["unknown labels alone", verdicts(["C", 3], ["D", 1]), 'malformed: unknown label "C"'],
    ["a label twice", verdicts(["A", 3], ["A", 3], ["B", 1]), "malformed: label A twice"],
    ["a label with two scores", verdicts(["A", 0], ["B", 1], ["A", 5]), "malformed: label A twice"],
    ["a label twice but for white space", verdicts(["A", 3], ["A ", 3]), "malformed: label A twice"],
    ["a missing label", verdicts(["A", 3]), "malformed: no score for B"],
    [
      "a quoted set beside its own",
      `The bid says ${verdicts(["A", 5], ["B", 5])} but ${both}`,
      "malformed: more than one set of verdicts in the answer",
    ],
    [
      "a quoted part beside its own",
      `The bid says ${verdicts(["A", 5])} but ${both}`,
      "malformed: more than one set of verdicts in the answer",
    ],
    [
      "a set in another form beside its own",
      `${labelled(["A", 5], ["B", 0])} ${listed(["A", 5], ["B", 1])} ${both}`,
      "malformed: more than one set of verdicts in the answer",
    ],
  ])("refuses %s", async (_what, answer, failure) => {
    expect(await read(answer)).toBe(failure);
  });
});

describe("reading either form", () => {
  it("takes remarks beside labels, and inside a list's verdicts", async () => {
    expect(await read('{"A":4,"why":"a } and a \\" in it","B":1,"sure":true}')).toEqual({ A: 4, B: 1 });
    const list = '{"verdicts":[{"bid":"A","score":4,"why":"}"},{"bid":"B","score":1}],"sure":true}';
    expect(await read(list)).toEqual({ A: 4, B: 1 });
  });

  it("takes both where they say the same, and refuses them where they do not", async () => {
    const list = listed(["A", 4], ["B", 1]);
    expect(await read(`${list} ${VERDICTS}`)).toEqual({ A: 4, B: 1 });
    const more = "malformed: more than one set of verdicts in the answer";
    expect(await read(`${list} ${labelled(["A", 0], ["B", 5])}`)).toBe(more);
    expect(await read(`{"A":0,"B":5,${list.slice(1)}`)).toBe(more);
  });

  it("refuses what only looks like a score", async () => {
    for (const score of [null, true, [4], { score: 4 }]) {
      const answer = labelled(["A", score], ["B", 1]);
      // oxlint-disable-next-line no-await-in-loop -- four
      expect(await read(answer), answer).toBe("malformed: score of A is no integer from 0 to 5");
    }
  });

  it("sees a label that is written twice, however it is written", async () => {
    for (const again of ['"A"  \n\t :', `"A"${" ".repeat(40)}:`, '"\\u0041":'])
      // oxlint-disable-next-line no-await-in-loop -- three
      expect(await read(`{"A":0,"B":1,${again}5}`), again).toBe("malformed: label A twice");
  });
});
