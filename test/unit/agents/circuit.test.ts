/** A model that fails again and again is left alone, at once and for a while, and so is no other one. */
import { describe, expect, it } from "vitest";
import {
  admit,
  FAILURES_TO_OPEN,
  hear,
  NEW_CIRCUIT,
  type Circuit,
  type Heard,
} from "../../../src/agents/calls/circuit.ts";
import type { StepLimits } from "../../../src/agents/model-port.ts";
import { anthropicEvents, openAiEvents } from "./as-stream.ts";
import {
  anAgent,
  anthropic,
  aWorld,
  BID,
  httpError,
  limits,
  openAi,
  STEP,
  type Scripted,
  type World,
} from "./fakes.ts";

/** A circuit that has heard these, one a second, from second 1 on. */
function after(heard: readonly Heard[], start: Circuit = NEW_CIRCUIT): Circuit {
  return heard.reduce((circuit, one, at) => hear(circuit, one, (at + 1) * 1_000), start);
}
const failures = (count: number): Heard[] => Array.from({ length: count }, () => "failure");
const OPEN = after(failures(FAILURES_TO_OPEN));
/** When it opened. */
const OPENED_MS = FAILURES_TO_OPEN * 1_000;

describe("a circuit", () => {
  it.each<[string, readonly Heard[], boolean]>([
    ["fewer failures than it takes", failures(FAILURES_TO_OPEN - 1), false],
    ["as many as it takes", failures(FAILURES_TO_OPEN), true],
    ["an answer between them", [...failures(4), "answer", ...failures(4)], false],
    ["calls between them that say nothing", [...failures(2), "nothing", ...failures(3)], true],
  ])("after %s", (_, heard, opens) => {
    expect(after(heard).kind).toBe(opens ? "open" : "closed");
  });

  it("forgets failures that lie more than a minute back", () => {
    const four = after(failures(4));
    expect(hear(four, "failure", 4_000 + 60_000).kind).toBe("open");
    expect(hear(four, "failure", 4_000 + 60_001).kind).toBe("closed");
  });

  it("lets nobody through before its pause is over, then one, and says how long", () => {
    expect(admit(OPEN, OPENED_MS + 1).waitMs).toBe(9_999);
    const { circuit, waitMs } = admit(OPEN, OPENED_MS + 10_000);
    expect([circuit.kind, waitMs]).toEqual(["trying", null]);
    expect(admit(circuit, OPENED_MS + 10_001).waitMs).toBe(29_999);
  });

  it("closes with an answer, also with a late one of a call from before", () => {
    expect(hear(OPEN, "answer", OPENED_MS + 1)).toBe(NEW_CIRCUIT);
    const { circuit } = admit(OPEN, OPENED_MS + 10_000);
    expect(hear(circuit, "answer", OPENED_MS + 11_000)).toBe(NEW_CIRCUIT);
  });

  it("pauses twice as long each time the one that tries fails, up to a minute", () => {
    let [circuit, nowMs] = [OPEN, OPENED_MS];
    const pauses: number[] = [];
    for (let round = 0; round < 5; round++) {
      const { waitMs } = admit(circuit, nowMs);
      pauses.push(waitMs ?? 0);
      nowMs += waitMs ?? 0;
      circuit = hear(admit(circuit, nowMs).circuit, "failure", nowMs);
    }
    expect(pauses).toEqual([10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it("lets the next one try where the one that tried says nothing, or never comes back", () => {
    const { circuit } = admit(OPEN, OPENED_MS + 10_000);
    const silent = hear(circuit, "nothing", OPENED_MS + 11_000);
    expect(admit(silent, OPENED_MS + 11_000).waitMs).toBeNull();
    expect(admit(circuit, OPENED_MS + 40_000).waitMs).toBeNull();
  });

  it("does not open for longer by failures of calls from before", () => {
    expect(hear(OPEN, "failure", OPENED_MS + 5_000)).toBe(OPEN);
  });
});

const AGENT = anAgent("openai-compatible");

async function fail(world: World, agent = AGENT, times = FAILURES_TO_OPEN): Promise<void> {
  for (let at = 0; at < times; at++) await world.models.bid(agent, BID, limits({ deadlineAtMs: Infinity }));
}

/** Three requests a call. */
const down = (): Scripted[] => Array.from({ length: 3 * FAILURES_TO_OPEN }, () => httpError(503));
const ANSWER = openAi({ content: "Look it up" });

describe("calls to a model that has failed again and again", () => {
  it("are not made, cost nothing, and say why and for how long", async () => {
    const world = aWorld({ http: down() });
    await fail(world);
    const sent = world.requests.length;
    for (const answer of [
      await world.models.bid(AGENT, BID, limits()),
      await world.models.step(AGENT, STEP, limits()),
    ]) {
      expect(answer).toMatchObject({
        ok: false,
        failure: { reason: "circuit_open", retryAfterMs: 10_000 },
        bill: { status: "refused" },
        requests: 0,
        ms: 0,
      });
    }
    expect(world.requests).toHaveLength(sent);
  });

  it("are made again after a pause, and go on with the first answer", async () => {
    const world = aWorld({ http: [...down(), ANSWER, ANSWER] });
    await fail(world);
    world.advance(10_000);
    for (let at = 0; at < 2; at++)
      expect((await world.models.bid(AGENT, BID, limits({ deadlineAtMs: Infinity }))).ok).toBe(true);
  });

  it("say so while one call tries, which may end before the time that they name", async () => {
    const world = aWorld({ http: [...down(), null] });
    await fail(world);
    const bid = async () => world.models.bid(AGENT, BID, limits({ deadlineAtMs: Infinity }));
    expect(await bid()).not.toHaveProperty("failure.mayPass");
    world.advance(10_000);
    void bid();
    const failure = { reason: "circuit_open", retryAfterMs: 30_000, mayPass: true };
    expect(await bid()).toMatchObject({ failure });
  });

  it("are told of once for each change, without a key", async () => {
    const world = aWorld({ http: [...down(), ANSWER] });
    await fail(world, AGENT, FAILURES_TO_OPEN + 2);
    world.advance(10_000);
    await world.models.bid(AGENT, BID, limits({ deadlineAtMs: Infinity }));
    expect(world.changes).toEqual([
      { provider: "openai-compatible", model: "test-model", state: "open", pauseMs: 10_000 },
      { provider: "openai-compatible", model: "test-model", state: "trying", pauseMs: null },
      { provider: "openai-compatible", model: "test-model", state: "closed", pauseMs: null },
    ]);
  });

  it.each<[string, Parameters<typeof anAgent>[1]]>([
    ["of another model", { model: "another" }],
    ["at another address", { baseUrl: "https://elsewhere.test/v1" }],
    ["with another key", { apiKeySecret: "OTHER_KEY" }],
  ])("leave those %s alone", async (_, other) => {
    const world = aWorld({ http: [...down(), ANSWER], variables: { OTHER_KEY: "sk-other" } });
    await fail(world);
    expect((await world.models.bid(anAgent("openai-compatible", other), BID, limits())).ok).toBe(true);
  });
});

describe("what says nothing of a model opens nothing", () => {
  const forever = (): Scripted[] => Array.from({ length: 20 }, () => null);

  it("a prompt that is refused, however often", async () => {
    const world = aWorld({ http: [...Array.from({ length: 20 }, () => httpError(413)), ANSWER] });
    await fail(world, AGENT, 20);
    expect((await world.models.bid(AGENT, BID, limits())).ok).toBe(true);
  });

  it("a deadline that was too short to answer in", async () => {
    const world = aWorld({ http: [...forever(), ANSWER] });
    for (let at = 0; at < 20; at++) {
      const signal = AbortSignal.timeout(1);
      expect(await world.models.bid(AGENT, BID, limits({ signal }))).toMatchObject({
        failure: { reason: "timeout" },
      });
    }
    expect((await world.models.bid(AGENT, BID, limits())).ok).toBe(true);
  });

  it("callers who cancel", async () => {
    const world = aWorld({ http: [...forever(), ANSWER] });
    for (let at = 0; at < 20; at++) {
      const controller = new AbortController();
      setTimeout(() => controller.abort("stop"), 1);
      await world.models.bid(AGENT, BID, limits({ signal: controller.signal }));
    }
    expect((await world.models.bid(AGENT, BID, limits())).ok).toBe(true);
  });
});

/** The events at once, and then one after the other without end; without any, nothing more. */
function streaming(first: readonly unknown[], then: readonly unknown[] = []): () => Response {
  const write = (event: unknown) => new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`);
  return () => {
    let at = 0;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => first.forEach((event) => controller.enqueue(write(event))),
      async pull(controller) {
        await new Promise((resolve) => then.length > 0 && setTimeout(resolve, 1));
        controller.enqueue(write(then[at++ % then.length]));
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  };
}

describe("a step's stream that is cut at its deadline, after a fair time,", () => {
  const [HEAD, ...WORDS] = openAiEvents(ANSWER).slice(0, 4);
  const silent = (): StepLimits => limits({ signal: AbortSignal.timeout(20), deadlineAtMs: Infinity });

  /** The deadline comes behind so many pieces of text. */
  function cutAfter(pieces: number): StepLimits {
    const deadline = new AbortController();
    let heard = 0;
    const add = () => {
      heard += 1;
      if (heard === pieces) deadline.abort(new DOMException("too late", "TimeoutError"));
    };
    return {
      ...limits({ signal: deadline.signal, deadlineAtMs: Infinity }),
      text: { begin: () => undefined, add },
    };
  }

  /** As many steps as failures would open the circuit, and a bid. */
  async function cut(script: Scripted, limitsOf: () => StepLimits, agent = AGENT, answer = ANSWER) {
    const steps = Array.from({ length: FAILURES_TO_OPEN }, () => script);
    const world = aWorld({ http: [...steps, answer], requestMs: 10_000 });
    for (let at = 0; at < FAILURES_TO_OPEN; at++)
      expect(await world.models.step(agent, STEP, limitsOf())).toMatchObject({
        failure: { reason: "timeout" },
        ms: 10_000,
      });
    return world.models.bid(agent, BID, limits({ deadlineAtMs: Infinity }));
  }

  it("says nothing against a model that was writing", async () => {
    expect((await cut(streaming([HEAD], WORDS), () => cutAfter(20))).ok).toBe(true);
  });

  it.each<[string, Scripted]>([
    ["of which nothing has come", streaming([])],
    ["of which no more than a head has come", streaming([HEAD])],
    ["that was not even begun", null],
  ])("and %s is a failure", async (_, script) => {
    expect(await cut(script, silent)).toMatchObject({ failure: { reason: "circuit_open" } });
  });

  it("is so at a provider whose head has more to say than a model's name, and not once a word has come", async () => {
    const answer = anthropic([{ type: "text", text: "Look it up" }]);
    const [head, ping, begin, word] = anthropicEvents(answer);
    const claude = anAgent("anthropic");
    expect(await cut(streaming([head, ping]), silent, claude, answer)).toMatchObject({
      failure: { reason: "circuit_open" },
    });
    expect((await cut(streaming([head, ping, begin, word]), silent, claude, answer)).ok).toBe(true);
  });

  it("is not one in which the model has gone quiet for too long: that is a failure, whatever came before", async () => {
    const quiet = streaming([HEAD, ...WORDS]);
    const stalls = (): StepLimits => ({ ...limits({ deadlineAtMs: Infinity }), stallMs: 20 });
    expect(await cut(quiet, stalls)).toMatchObject({ failure: { reason: "circuit_open" } });
  });

  it("is a sign of life, like any answer", async () => {
    const four = (): Scripted[] => down().slice(3);
    const world = aWorld({ http: [...four(), streaming([HEAD], WORDS), ...four(), ANSWER] });
    await fail(world, AGENT, FAILURES_TO_OPEN - 1);
    await world.models.step(AGENT, STEP, cutAfter(2));
    await fail(world, AGENT, FAILURES_TO_OPEN - 1);
    expect((await world.models.bid(AGENT, BID, limits({ deadlineAtMs: Infinity }))).ok).toBe(true);
  });
});

it("no answer in a fair time is a failure", async () => {
  const hangs = () => new Promise(() => {});
  const world = aWorld({ http: Array.from({ length: 20 }, () => hangs), requestMs: 10_000 });
  for (let at = 0; at < FAILURES_TO_OPEN; at++)
    await world.models.bid(AGENT, BID, limits({ signal: AbortSignal.timeout(5), deadlineAtMs: Infinity }));
  expect(await world.models.bid(AGENT, BID, limits())).toMatchObject({ failure: { reason: "circuit_open" } });
});
