/** The text of a trace's steps while it is written: who hears it, what becomes of it, and whose is refused. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import type { StepLimits } from "../../../src/agents/model-port.ts";
import type { Agent } from "../../../src/market/agent.ts";
import type { TaskEvent } from "../../../src/market/event.ts";
import { newId } from "../../../src/market/ids.ts";
import type { TextEvent } from "../../../src/market/live-text.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { BOUND, ScriptedModels } from "../../support/scripted-models.ts";
import {
  awardedTask,
  CHEAP,
  config,
  countingTool,
  evictRooms,
  useStoppedClock,
  traceDeps,
  type TaskStub,
} from "./market-day.ts";

const clock = useStoppedClock();

type Heard = TaskEvent | TextEvent;

async function awarded() {
  const { room, message } = await awardedTask();
  return { room, message, last: (await room.view())?.lastEvent ?? 0 };
}

/** What a listener hears from now on. */
async function listen(room: TaskStub, query: string): Promise<Heard[]> {
  const response = await room.fetch(`https://task-room/events?${query}`, {
    headers: { Upgrade: "websocket" },
  });
  const heard: Heard[] = [];
  response.webSocket?.addEventListener("message", ({ data }) => {
    heard.push(JSON.parse(String(data)) as Heard);
  });
  response.webSocket?.accept();
  return heard;
}

/** What was heard, of events the type alone. */
function line(heard: readonly Heard[]): string[] {
  return heard.map((one) => (one.type === "text-delta" ? `${one.step}@${one.offset}:${one.text}` : one.type));
}

/** Writes its step in two pieces, and goes on once the first of them was heard. */
class WritingModels extends ScriptedModels {
  readonly #afterFirst: (text: string) => Promise<void>;

  constructor(
    steps: ConstructorParameters<typeof ScriptedModels>[0],
    afterFirst: (text: string) => Promise<void>,
  ) {
    super(steps);
    this.#afterFirst = afterFirst;
  }

  override async step(
    agent: Agent,
    request: { readonly history: readonly unknown[] },
    limits?: StepLimits,
  ): ReturnType<ScriptedModels["step"]> {
    const answer = await super.step(agent, request);
    const text = answer.ok ? answer.value.text : "It is…";
    limits?.text?.begin();
    const first = text.slice(0, 4);
    if (first === "") return answer;
    limits?.text?.add(first);
    await this.#afterFirst(first);
    limits?.text?.add(text.slice(4));
    return answer;
  }
}

const until = (heard: readonly Heard[]) => async (text: string) =>
  vi.waitFor(() => expect(line(heard).join("\n")).toContain(`:${text}`), { timeout: 5_000, interval: 10 });

describe("a step's text", () => {
  test("is heard while it is written, every character once, and is whole before the step is committed", async () => {
    const { room, message, last } = await awarded();
    const [text, plain] = [await listen(room, `after=${last}&text=1`), await listen(room, `after=${last}`)];
    const steps = [{ tool: "http", input: { url: "x" } }, { text: "It is forty-two." }];
    await runSlice(
      traceDeps(new WritingModels({ steps }, until(text)), { tools: [countingTool()] }),
      message(1),
    );
    const journal = [
      "trace-taken-up",
      "step-committed",
      "step-committed",
      "trace-ended",
      "verification-ended",
      "task-finished",
    ];
    await vi.waitFor(() => expect(line(plain)).toEqual(journal));
    // A listener that resumes is told first that what it may have shown is void.
    expect(line(text)).toEqual([
      "text-withdrawn",
      "trace-taken-up",
      "step-committed",
      "2@0:It i",
      "2@4:s forty-two.",
      ...journal.slice(2),
    ]);
    const committed = text.filter((one) => one.type === "step-committed");
    expect(committed.map(({ textChars }) => textChars)).toEqual([0, 16]);
  });

  test("is withdrawn where its holder dies, before the next one's is told; the dead one's is refused", async () => {
    const { room, message, last } = await awarded();
    const heard = await listen(room, `after=${last}&text=1`);
    await room.takeTrace(1, 1);
    expect(await room.tellText(1, { step: 1, offset: 0, text: "It i" })).toBe("heard");
    clock.pass(config.leaseMs + 1);
    await runDurableObjectAlarm(room);
    expect(await room.tellText(1, { step: 1, offset: 4, text: "late" })).toBe("lost");
    await runSlice(traceDeps(new WritingModels({ steps: [{ text: "No, 42." }] }, until(heard))), message(2));
    await vi.waitFor(() => expect(line(heard).at(-1)).toBe("task-finished"));
    expect(line(heard).slice(1, -3)).toEqual([
      "trace-taken-up",
      "1@0:It i",
      "text-withdrawn",
      "trace-lapsed",
      "trace-taken-up",
      "1@0:No, ",
      "1@4:42.",
      "step-committed",
    ]);
  });

  test("is withdrawn where its call fails, and told anew from the next one", async () => {
    const { room, message, last } = await awarded();
    const heard = await listen(room, `after=${last}&text=1`);
    const steps = [[{ fails: "unreachable" }, { text: "It is 42." }]] as const;
    await runSlice(traceDeps(new WritingModels({ steps }, until(heard))), message(1));
    await vi.waitFor(() => expect(line(heard).at(-1)).toBe("task-finished"));
    expect(line(heard).slice(2, 7)).toEqual([
      "1@0:It i",
      "text-withdrawn",
      "call-failed",
      "1@0:It is 42.",
      "step-committed",
    ]);
  });

  test("is withdrawn where it turns out to be a thought, before the words are told and the step is committed", async () => {
    const { room, message, last } = await awarded();
    const heard = await listen(room, `after=${last}&text=1`);
    const models = new ScriptedModels({ steps: [{ text: "It is 42." }] });
    const step = models.step.bind(models);
    models.step = async (agent, request: { readonly history: readonly unknown[] }, limits?: StepLimits) => {
      limits?.text?.begin();
      limits?.text?.add("Six times seven…\n</think>\n\nIt is 42.");
      await until(heard)("Six");
      return step(agent, request);
    };
    await runSlice(traceDeps(models), message(1));
    await vi.waitFor(() => expect(line(heard).at(-1)).toBe("task-finished"));
    expect(line(heard).slice(2, 6)).toEqual([
      "1@0:Six times seven…\n</think>\n\nIt is 42.",
      "text-withdrawn",
      "1@0:It is 42.",
      "step-committed",
    ]);
  });

  test("is told only while somebody wants it, and a holder of the version before is answered as before", async () => {
    const { room, message, last } = await awarded();
    const { generation, attempt } = message(1);
    await room.takeTrace(attempt, generation);
    await listen(room, `after=${last}`);
    expect(await room.renewTrace(1)).toBe("continue");
    expect(await room.renewTrace(1, "listeners")).toEqual({ answer: "continue", listened: false });
    expect(await room.tellText(1, { step: 1, offset: 0, text: "x" })).toBe("unheard");
    const heard = await listen(room, `after=${last}&text=1`);
    const call = {
      callId: newId("cal", config.source),
      kind: "trace",
      agentId: CHEAP,
      boundMicros: BOUND,
    } as const;
    expect(await room.startTraceCall(1, call, {}, "listeners")).toEqual({
      answer: "continue",
      listened: true,
    });
    // The room does not know what came before; a step that is not due is nobody's.
    expect(await room.tellText(1, { step: 1, offset: 3, text: "x" })).toBe("again");
    expect(await room.tellText(1, { step: 2, offset: 0, text: "x" })).toBe("unheard");
    expect(await room.tellText(1, { step: 1, offset: 0, text: "abc" })).toBe("heard");
    expect(await room.tellText(1, { step: 1, offset: 3, text: "d" })).toBe("heard");
    await vi.waitFor(() => expect(line(heard).slice(2)).toEqual(["1@0:abc", "1@3:d"]));
  });

  test("so far is heard by whoever comes in its midst, and is asked for by a room that has slept", async () => {
    const { room, message } = await awarded();
    await room.takeTrace(1, message(1).generation);
    await listen(room, "after=0&text=1");
    await room.tellText(1, { step: 1, offset: 0, text: "abc" });
    const late = await listen(room, "after=0&text=1");
    await vi.waitFor(() => expect(line(late).at(-1)).toBe("1@0:abc"));
    await evictRooms(room);
    const afterwards = await listen(room, "after=0&text=1");
    expect(await room.tellText(1, { step: 1, offset: 3, text: "d" })).toBe("again");
    expect(await room.tellText(1, { step: 1, offset: 0, text: "abcd" })).toBe("heard");
    await vi.waitFor(() => expect(line(afterwards).at(-1)).toBe("1@0:abcd"));
  });
});
