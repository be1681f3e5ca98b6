/** `POST /v1/tasks`: what is taken, what is refused and in which words, and how long a client waits. */
import { beforeAll, describe, expect, test } from "vitest";
import { MAX_BODY_BYTES } from "../../../src/api/app.ts";
import {
  call,
  carryHistory,
  failedTask,
  holdTask,
  openTenant,
  post,
  problemOf,
  taskOf,
  type Tenant,
} from "./support.ts";

let tenant: Tenant;
beforeAll(async () => {
  tenant = await openTenant();
});

const json = { "Content-Type": "application/json" };

/** A submission whose body is sent as it stands. */
const send = async (body: BodyInit | null, headers: Record<string, string> = json) =>
  call("/v1/tasks", { method: "POST", body, headers: { ...tenant.auth, ...headers } });

const countTasks = async () => (await tenant.market.heldTasks()).length;

describe("a task", () => {
  test("is admitted: 202, where to find it, and nothing done yet", async () => {
    const response = await post("/v1/tasks", { prompt: "p", metadata: { run: "7" } }, tenant.auth);
    expect(response.status).toBe(202);
    const task = await taskOf(response);
    expect(response.headers.get("Location")).toBe(`/v1/tasks/${task.id}`);
    expect(response.headers.get("Preference-Applied")).toBeNull();
    expect(task).toMatchObject({ id: expect.stringMatching(/^tsk_/), metadata: { run: "7" }, result: null });
    expect(["admitted", "bidding"]).toContain(task.state);
  });

  test("for which no agent can bid fails, and says when", async () => {
    const taskId = await failedTask(tenant);
    const task = await taskOf(await call(`/v1/tasks/${taskId}`, { headers: tenant.auth }));
    expect(task).toMatchObject({ state: "failed", failureReason: "no_bids", outcome: null, agentId: null });
    expect(task["endedAt"]).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test("may name its charset", async () => {
    const response = await send('{"prompt":"Größe 日本"}', {
      "Content-Type": "Application/JSON; charset=utf-8",
    });
    expect(response.status).toBe(202);
  });
});

describe("a body that cannot be read", () => {
  test.each<[string, string | null, Record<string, string>, number, string, string[]]>([
    ["broken JSON", '{"prompt": "p"', json, 400, "invalid_json", [""]],
    ["nothing", "", json, 400, "invalid_json", [""]],
    ["no body", null, json, 400, "invalid_json", [""]],
    ["two values", '{"prompt":"p"}{}', json, 400, "invalid_json", [""]],
    [
      "a form",
      "prompt=p",
      { "Content-Type": "application/x-www-form-urlencoded" },
      415,
      "unsupported_media_type",
      [],
    ],
    ["text", '{"prompt":"p"}', { "Content-Type": "text/plain" }, 415, "unsupported_media_type", []],
    ["no content type", '{"prompt":"p"}', { "Content-Type": "" }, 415, "unsupported_media_type", []],
    [
      "a longer content type",
      "{}",
      { "Content-Type": "application/jsonl" },
      415,
      "unsupported_media_type",
      [],
    ],
  ])("%s is refused", async (_, body, headers, status, code, paths) => {
    expect(await problemOf(await send(body, headers))).toEqual({ status, code, paths });
  });
});

describe("a body that does not fit", () => {
  test.each<[string, unknown, string[]]>([
    ["text", "p", [""]],
    ["null", null, [""]],
    ["a list", [{ prompt: "p" }], [""]],
    ["no prompt", {}, ["prompt"]],
    ["an empty prompt", { prompt: "" }, ["prompt"]],
    ["a prompt that is a number", { prompt: 7 }, ["prompt"]],
    ["a prompt too long", { prompt: "x".repeat(200_001) }, ["prompt"]],
    ["an unknown field", { prompt: "p", budget: 1 }, ["budget"]],
    ["two unknown fields", { prompt: "p", budget: 1, model: "m" }, ["budget", "model"]],
    ["an unknown limit", { prompt: "p", limits: { steps: 3 } }, ["limits.steps"]],
    ["a limit as text", { prompt: "p", limits: { maxSteps: "3" } }, ["limits.maxSteps"]],
    ["a limit too high", { prompt: "p", limits: { deadlineS: 100_000 } }, ["limits.deadlineS"]],
    ["a limit too low", { prompt: "p", limits: { maxOutputTokens: 1 } }, ["limits.maxOutputTokens"]],
    [
      "an escalation of one attempt",
      { prompt: "p", escalation: { mode: "verified", maxAttempts: 1 } },
      ["escalation.maxAttempts"],
    ],
    ["limits as a list", { prompt: "p", limits: [] }, ["limits"]],
    ["a tool that is none", { prompt: "p", tools: ["http", "no tool"] }, ["tools[1]"]],
    ["a search without a provider", { prompt: "p", tools: ["http", "web_search"] }, ["tools[1]"]],
    ["tools as text", { prompt: "p", tools: "http" }, ["tools"]],
    ["a label that is a number", { prompt: "p", metadata: { run: 7 } }, ["metadata.run"]],
    ["a verifier that is none", { prompt: "p", verifier: { type: "vibes" } }, ["verifier.type"]],
    ["a verifier without type", { prompt: "p", verifier: { expected: "4" } }, ["verifier.type"]],
    ["a verifier that lacks a field", { prompt: "p", verifier: { type: "equals" } }, ["verifier.expected"]],
    [
      "an unknown field in a verifier",
      { prompt: "p", verifier: { type: "equals", expected: "4", fuzzy: true } },
      ["verifier.fuzzy"],
    ],
    [
      "flags that a verifier does not take",
      { prompt: "p", verifier: { type: "regex", pattern: "4", flags: "g" } },
      ["verifier.flags"],
    ],
    [
      "several things",
      { prompt: "", tools: ["no tool"], limits: { maxSteps: 0 } },
      ["prompt", "limits.maxSteps", "tools[0]"],
    ],
  ])("%s is refused, and each field is named", async (_, body, paths) => {
    const response = await post("/v1/tasks", body, tenant.auth);
    expect(await problemOf(response)).toEqual({ status: 400, code: "invalid_body", paths });
  });

  test("a field named __proto__ is unknown like any other", async () => {
    const problem = await problemOf(await send('{"prompt":"p","__proto__":{"prompt":"q"}}'));
    expect(problem).toEqual({ status: 400, code: "invalid_body", paths: ["__proto__"] });
  });

  test("a pattern that is no regular expression is refused when it is sent, not when it is paid for", async () => {
    const response = await post(
      "/v1/tasks",
      { prompt: "p", verifier: { type: "regex", pattern: "(" } },
      tenant.auth,
    );
    expect(await problemOf(response)).toMatchObject({
      status: 400,
      code: "invalid_body",
      paths: ["verifier.pattern"],
    });
  });
});

describe("the size of a body", () => {
  /** A valid task, padded with white space to so many bytes. */
  const padded = (bytes: number) => '{"prompt":"p"}'.padEnd(bytes, " ");
  /** The same, sent in pieces and without a length. */
  const chunked = (text: string) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        const bytes = new TextEncoder().encode(text);
        for (let at = 0; at < bytes.length; at += 65_536) controller.enqueue(bytes.slice(at, at + 65_536));
        controller.close();
      },
    });

  test.each([
    ["with a length", (bytes: number) => send(padded(bytes), { ...json, "Content-Length": String(bytes) })],
    ["in chunks", (bytes: number) => send(chunked(padded(bytes)))],
  ])("%s is taken up to the limit and refused beyond it", async (_, request) => {
    const tasks = await countTasks();
    expect((await request(MAX_BODY_BYTES)).status).toBe(202);
    expect(await problemOf(await request(MAX_BODY_BYTES + 1))).toEqual({
      status: 413,
      code: "body_too_large",
      paths: [""],
    });
    expect(await countTasks()).toBe(tasks + 1);
  });
});

describe("an Idempotency-Key", () => {
  const submit = async (key: string, body: unknown = { prompt: "p" }, who: Tenant = tenant) =>
    post("/v1/tasks", body, { ...who.auth, "Idempotency-Key": key });

  test("with the same body gives the same task, and admits nothing new", async () => {
    const first = await taskOf(await submit("same"));
    const tasks = await countTasks();
    const again = await submit("same");
    expect((await taskOf(again)).id).toBe(first.id);
    expect(again.headers.get("Location")).toBe(`/v1/tasks/${first.id}`);
    expect(await countTasks()).toBe(tasks);
  });

  test("sent twice at once admits one task", async () => {
    const tasks = await countTasks();
    const ids = await Promise.all(
      ["1", "2", "3"].map(async () => (await taskOf(await submit("at-once"))).id),
    );
    expect(new Set(ids).size).toBe(1);
    expect(await countTasks()).toBe(tasks + 1);
  });

  test("gives the same task also after it was settled and left the room", async () => {
    const own = await openTenant();
    const headers = { ...own.auth, "Idempotency-Key": "later", Prefer: "wait=30" };
    const first = await taskOf(await post("/v1/tasks", { prompt: "p" }, headers));
    await carryHistory(own);
    expect(await own.market.heldTasks()).toEqual([]);
    const again = await post("/v1/tasks", { prompt: "p" }, headers);
    expect(again.status).toBe(200);
    expect(await taskOf(again)).toMatchObject({ id: first.id, state: "failed" });
    expect(await own.market.heldTasks()).toEqual([]);
  });

  test("with another body is a conflict, and admits nothing", async () => {
    await submit("changed");
    const tasks = await countTasks();
    const response = await submit("changed", { prompt: "q" });
    expect(await problemOf(response)).toEqual({ status: 409, code: "idempotency_conflict", paths: [] });
    expect(await countTasks()).toBe(tasks);
  });

  test("of a refused body is free for another", async () => {
    expect((await submit("once-bad", { prompt: "" })).status).toBe(400);
    expect((await submit("once-bad")).status).toBe(202);
  });

  test("of another tenant is another key", async () => {
    const other = await openTenant();
    const mine = await taskOf(await submit("shared"));
    const theirs = await submit("shared", { prompt: "q" }, other);
    expect(theirs.status).toBe(202);
    expect((await taskOf(theirs)).id).not.toBe(mine.id);
  });

  test.each([
    ["nothing", ""],
    ["a space inside", "a b"],
    ["256 characters", "x".repeat(256)],
    ["a letter beyond ASCII", "cl\u00e9"],
  ])("that is %s is refused", async (_, key) => {
    expect(await problemOf(await submit(key))).toEqual({
      status: 400,
      code: "invalid_parameter",
      paths: ["header Idempotency-Key"],
    });
  });

  test("may have 255 visible characters of any kind", async () => {
    expect((await submit(`!"#$%&'()*+,-./:;<=>?@[]^_{|}~`.padEnd(255, "x"))).status).toBe(202);
  });
});

describe("Prefer", () => {
  const submit = async (prefer: string, who: Tenant = tenant) =>
    post("/v1/tasks", { prompt: "p" }, { ...who.auth, Prefer: prefer });

  test.each([
    ["wait=30", "wait=30"],
    ['wait="30"', "wait=30"],
    ["Wait = 30", "wait=30"],
    ["respond-async, wait=30", "wait=30"],
    ["wait=30, wait=5", "wait=30"],
    ["wait=999999", "wait=120"],
  ])("%s waits for the end and says so", async (prefer, applied) => {
    const response = await submit(prefer);
    expect(response.status).toBe(200);
    expect(response.headers.get("Preference-Applied")).toBe(applied);
    expect((await taskOf(response)).state).toBe("failed");
  });

  // RFC 7240, section 2: a server ignores what it does not know, parameters of a preference too.
  test.each(["respond-async", "return=minimal", "waiting=3", "wait-for=9", "wait=0", ""])(
    "%j does not wait",
    async (prefer) => {
      const response = await submit(prefer);
      expect(response.status).toBe(202);
      expect(response.headers.get("Preference-Applied")).toBeNull();
    },
  );

  test.each(["wait", "wait=", "wait=soon", "wait=-1", "wait=1.5", "wait=9999999", "return=minimal, wait=x"])(
    "%j is refused",
    async (prefer) => {
      const tasks = await countTasks();
      expect(await problemOf(await submit(prefer))).toEqual({
        status: 400,
        code: "invalid_parameter",
        paths: ["header Prefer"],
      });
      expect(await countTasks()).toBe(tasks);
    },
  );

  test("gives up waiting in time: 202, and the task goes on", async () => {
    const strict = await openTenant({ ordering: "strict" });
    await holdTask(strict);
    const response = await submit("wait=1", strict);
    expect(response.status).toBe(202);
    expect(response.headers.get("Preference-Applied")).toBe("wait=1");
    expect((await taskOf(response)).state).toBe("admitted");
  });
});
