/** Calls over several invocations: never more connections than one of them may have, and what a lost helper costs. */
import { describe, expect, test } from "vitest";
import type { Answer, BidAnswer } from "../../../src/agents/model-port.ts";
import type { AuctionModels } from "../../../src/auction/auction-run.ts";
import type { CallHelperApi } from "../../../src/auction/call-helper.ts";
import { HeldTexts, TEXTS_MISSING } from "../../../src/auction/held-texts.ts";
import { createHelperStock, SpreadCalls } from "../../../src/auction/spread-calls.ts";
import { asMicros } from "../../../src/market/money.ts";
import { anAgent, aUsage } from "../../support/builders.ts";

const bill = { status: "billed", usage: aUsage(), costMicros: asMicros(7) } as const;
const good: Answer<BidAnswer> = {
  ok: true,
  value: { strategy: "s", visibleTokens: 1, topLogprobs: null },
  bill,
  ms: 5,
  requests: 1,
};
const input = { task: "t", tools: [], maxTokens: 10, nonce: "n", seed: 1, refinement: null };
const OWN = "own";

/** Models and helpers whose calls end when the test says so. */
function house() {
  const made: {
    readonly where: string;
    readonly key: string;
    readonly answer: PromiseWithResolvers<Answer<BidAnswer>>;
  }[] = [];
  const aborted: string[] = [];
  const released: string[] = [];
  const held: { name: string; run: string; from: number; texts: readonly string[] }[] = [];
  const forgetful = new Set<string>();
  /** How long texts are on their way. */
  const arrives = { promise: Promise.resolve() };
  const judged: { name: string; texts: readonly number[] }[] = [];
  const ask = async (where: string, key: string) => {
    const answer = Promise.withResolvers<Answer<BidAnswer>>();
    made.push({ where, key, answer });
    return answer.promise;
  };
  let names = 0;
  const stock = createHelperStock({
    newName: () => `helper-${++names}`,
    helper: (name): CallHelperApi => ({
      hold: async (run, from, texts) => {
        held.push({ name, run, from, texts });
        await arrives.promise;
      },
      release: async (run) => void released.push(`${name} ${run}`),
      bid: async (call) => ask(name, call.key),
      judge: async (call, { task, bids }) => {
        if (forgetful.delete(name)) return TEXTS_MISSING;
        judged.push({ name, texts: [task, ...bids.map((bid) => bid.strategy)] });
        await ask(name, call.key);
        return { ok: true, value: { scores: {} }, bill, ms: 5, requests: 1 };
      },
      abort: async (run, key) => void aborted.push(`${name} ${run} ${key}`),
    }),
  });
  const models = {
    bid: async () => ask(OWN, ""),
    judge: async () => ask(OWN, ""),
    bidBound: () => asMicros(9),
    juryBound: () => asMicros(9),
  } as unknown as AuctionModels;
  const spread = () => new SpreadCalls({ models, stock, run: "run", now: () => 1 });
  const at = (where: string) => made.filter((call) => call.where === where);
  return { made, aborted, released, held, judged, forgetful, arrives, spread, at };
}

const limits = (signal = new AbortController().signal) => ({ signal, deadlineAtMs: 99 });
const agent = anAgent();
/** Calls to helpers go out after their texts. */
const turn = async () => new Promise<void>((resolve) => void setTimeout(resolve, 1));

describe("calls of an auction", () => {
  test("go to the run's own invocation first, then to helpers of six", async () => {
    const { made, spread, at } = house();
    const calls = spread();
    const answers = Array.from({ length: 32 }, async () => calls.bid(agent, input, limits()));
    await turn();
    expect(at(OWN)).toHaveLength(5);
    expect([1, 2, 3, 4, 5].map((n) => at(`helper-${n}`).length)).toEqual([6, 6, 6, 6, 3]);
    for (const { answer } of made) answer.resolve(good);
    // A helper's calls took as long as the run waited for them.
    expect(await Promise.all(answers)).toEqual(answers.map((_, n) => (n < 5 ? good : { ...good, ms: 0 })));
  });

  test("take a connection that has become free before they wake another helper", async () => {
    const { made, spread, at } = house();
    const calls = spread();
    const first = Array.from({ length: 5 }, async () => calls.bid(agent, input, limits()));
    made[2]?.answer.resolve(good);
    await first[2];
    void calls.bid(agent, input, limits());
    expect(at(OWN)).toHaveLength(6);
    expect(at("helper-1")).toHaveLength(0);
  });

  test("of the next auction find the last one's helpers awake, but none that still works", async () => {
    const { made, spread } = house();
    const one = spread();
    const answers = Array.from({ length: 12 }, async () => one.bid(agent, input, limits()));
    await turn();
    for (const { where, answer } of made) if (where !== "helper-2") answer.resolve(good);
    await Promise.all(answers.slice(0, 11));
    one.close();
    const two = spread();
    for (let n = 0; n < 12; n += 1) void two.bid(agent, input, limits());
    await turn();
    expect([...new Set(made.slice(12).map(({ where }) => where))]).toEqual([OWN, "helper-1", "helper-3"]);
  });

  test("that a helper dies with stay counted at their bound, and it is not asked again", async () => {
    const { made, spread, at } = house();
    const calls = spread();
    const answers = Array.from({ length: 6 }, async () => calls.bid(agent, input, limits()));
    await turn();
    at("helper-1")[0]?.answer.reject(new Error("object reset"));
    expect(await answers[5]).toMatchObject({
      ok: false,
      failure: { reason: "unreachable" },
      bill: { status: "unconfirmed" },
    });
    void calls.bid(agent, input, limits());
    await turn();
    expect(made.at(-1)?.where).toBe("helper-2");
    calls.close();
    const next = spread();
    for (let n = 0; n < 6; n += 1) void next.bid(agent, input, limits());
    await turn();
    expect(made.at(-1)?.where).not.toBe("helper-1");
  });

  test("are cut off at their helper when the run is, and bring the bill that it knows", async () => {
    const { aborted, spread, at } = house();
    const calls = spread();
    const controller = new AbortController();
    const answers = Array.from({ length: 6 }, async () => calls.bid(agent, input, limits(controller.signal)));
    await turn();
    controller.abort("stop");
    const [call] = at("helper-1");
    expect(aborted).toEqual([`helper-1 run ${call?.key}`]);
    const cut: Answer<BidAnswer> = {
      ok: false,
      failure: { reason: "cancelled", message: "" },
      bill,
      ms: 3,
      requests: 1,
    };
    call?.answer.resolve(cut);
    // As long as the run waited for it, whatever the helper measured.
    expect(await answers[5]).toEqual({ ...cut, ms: 0 });
  });
});

test("six jurors at a helper read strategies that it was sent once", async () => {
  const { made, held, judged, released, spread } = house();
  const calls = spread();
  const strategies = ["plan one", "plan two", "plan three"];
  const ballot = (order: readonly number[]) => ({
    task: "the task",
    bids: order.map((at, place) => ({ label: "ABC"[place] ?? "", strategy: strategies[at] ?? "" })),
    nonce: "n",
    seed: 1,
  });
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
  ];
  const answers = Array.from({ length: 11 }, async (_, at) =>
    calls.judge(agent, ballot(orders[at % 3] ?? []), limits()),
  );
  await turn();
  expect(held).toHaveLength(1);
  const [sent] = held;
  expect(sent).toMatchObject({ name: "helper-1", run: "run", from: 0 });
  expect(sent?.texts.toSorted()).toEqual(["plan one", "plan three", "plan two", "the task"]);
  const read = judged.map(({ texts }) => texts.map((at) => sent?.texts[at]));
  expect(read).toHaveLength(6);
  expect(read[0]).toEqual(["the task", ...(orders[5 % 3] ?? []).map((at) => strategies[at])]);
  for (const { answer } of made) answer.resolve(good);
  await Promise.all(answers);
  calls.close();
  expect(released).toEqual(["helper-1 run"]);
});

test("a helper that forgot its texts is sent all of them again, and the call once more", async () => {
  const { made, held, judged, forgetful, spread } = house();
  const calls = spread();
  const ballot = { task: "the task", bids: [{ label: "A", strategy: "plan one" }], nonce: "n", seed: 1 };
  const first = Array.from({ length: 6 }, async () => calls.judge(agent, ballot, limits()));
  await turn();
  forgetful.add("helper-1");
  const later = calls.judge(agent, { ...ballot, bids: [{ label: "A", strategy: "plan two" }] }, limits());
  await turn();
  expect(held.map(({ from, texts }) => [from, texts])).toEqual([
    [0, ["plan one", "the task"]],
    [2, ["plan two"]],
    [0, ["plan one", "the task", "plan two"]],
  ]);
  expect(judged.at(-1)?.texts).toEqual([1, 2]);
  for (const { answer } of made) answer.resolve(good);
  expect((await later).ok).toBe(true);
  await Promise.all(first);
});

describe("a call that is stopped while its texts are on their way", () => {
  const STOPPED = {
    ok: false,
    failure: { reason: "cancelled" },
    bill: { status: "refused" },
    requests: 0,
  };
  const ballot = { task: "the task", bids: [{ label: "A", strategy: "plan" }], nonce: "n", seed: 1 };

  test("is not made: its helper does not know yet what to stop", async () => {
    const { arrives, spread, at } = house();
    const onTheWay = Promise.withResolvers<void>();
    arrives.promise = onTheWay.promise;
    const calls = spread();
    const controller = new AbortController();
    const answers = Array.from({ length: 6 }, async () => calls.bid(agent, input, limits(controller.signal)));
    await turn();
    controller.abort("stop");
    onTheWay.resolve();
    expect(await answers[5]).toMatchObject(STOPPED);
    expect(at("helper-1")).toEqual([]);
  });

  test("is not made again at a helper that forgot them; the helper stays as good as it was", async () => {
    const { made, arrives, forgetful, spread, at } = house();
    const calls = spread();
    const first = Array.from({ length: 6 }, async () => calls.judge(agent, ballot, limits()));
    await turn();
    forgetful.add("helper-1");
    const onTheWay = Promise.withResolvers<void>();
    arrives.promise = onTheWay.promise;
    const controller = new AbortController();
    const later = calls.judge(agent, ballot, limits(controller.signal));
    await turn();
    controller.abort("stop");
    onTheWay.resolve();
    expect(await later).toMatchObject(STOPPED);
    expect(at("helper-1")).toHaveLength(1);
    for (const { answer } of made) answer.resolve(good);
    await Promise.all(first);
    for (let n = 0; n < 6; n += 1) void calls.judge(agent, ballot, limits());
    await turn();
    expect(at("helper-1")).toHaveLength(2);
  });
});

test("a helper's texts of one run are not another's", () => {
  const texts = new HeldTexts();
  texts.hold("two", 0, ["not", "these"]);
  texts.hold("one", 1, ["b"]);
  expect(texts.all("one", [0, 1])).toBeNull();
  texts.hold("one", 0, ["a"]);
  expect(texts.all("one", [0, 1])).toEqual(["a", "b"]);
  texts.release("one");
  expect(texts.all("one", [1])).toBeNull();
});
