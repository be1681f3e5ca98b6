/** `/v1/verifier-secret`, and what a checker may do with the token that it was sent. */
import { beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { newOutcomeToken } from "../../../src/trace/checker/outcome-token.ts";
import { bodyOf, call, config, keyWith, openTenant, post, problemOf, type Tenant } from "./support.ts";
import { taskWithResult } from "./outcome-day.ts";

interface Shown {
  readonly object: string;
  readonly id: string;
  readonly secret: string;
  readonly overlapUntil: string | null;
}

let tenant: Tenant;
beforeAll(async () => {
  tenant = await openTenant();
});

const read = async ({ auth }: Pick<Tenant, "auth"> = tenant) =>
  (await call("/v1/verifier-secret", { headers: auth })).json<Shown>();
const rotate = async (body: object, headers: Readonly<Record<string, string>> = {}) =>
  post("/v1/verifier-secret/rotate", body, { ...tenant.auth, ...headers });

describe("a tenant's secret for its checkers", () => {
  test("is made when it is first wanted, and the same from then on", async () => {
    const shown = await read();
    expect(shown).toEqual({
      object: "verifier_secret",
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      secret: expect.stringMatching(/^whsec_[\w+/]{43}=$/),
      overlapUntil: null,
    });
    expect(await read()).toEqual(shown);
    expect(await tenant.market.verifierSecrets("whsec_x")).toEqual([shown.secret]);
    expect((await read(await openTenant())).secret).not.toBe(shown.secret);
  });

  test("goes on beside its successor for the overlap", async () => {
    const { secret: older } = await read();
    const rotated = await (await rotate({ overlapS: 600 })).json<Shown>();
    expect(rotated.secret).not.toBe(older);
    expect(Date.parse(rotated.overlapUntil ?? "") - Date.now()).toBeGreaterThan(590_000);
    expect(await tenant.market.verifierSecrets("whsec_x")).toEqual([rotated.secret, older]);
    const last = await (await rotate({ overlapS: 0 })).json<Shown>();
    expect((await tenant.market.verifierSecrets("whsec_x"))?.[0]).toBe(last.secret);
    expect((await read()).secret).toBe(last.secret);
  });

  test("survives a change of the tenant", async () => {
    const shown = await read();
    await tenant.market.manageTenant("suspend");
    await tenant.market.manageTenant("resume");
    expect(await read()).toEqual(shown);
  });

  test.each(["read", "tasks"])("is not shown to a key of scope %s", async (scope) => {
    const { auth } = await keyWith(tenant, { scopes: [scope] });
    const refused = await call("/v1/verifier-secret", { headers: auth });
    expect(await problemOf(refused)).toMatchObject({ status: 403, code: "forbidden" });
    const rotated = await post("/v1/verifier-secret/rotate", {}, auth);
    expect(await problemOf(rotated)).toMatchObject({ status: 403, code: "forbidden" });
  });

  test.each([
    [{ overlapS: -1 }, "overlapS"],
    [{ secret: "whsec_mine" }, "secret"],
  ])("is not rotated by %j", async (body, path) => {
    expect(await problemOf(await rotate(body))).toMatchObject({ status: 400, paths: [path] });
  });
});

describe("a token that a checker was sent", () => {
  async function asked() {
    const verifier = { type: "http", url: "https://checker.example.com/" } as const;
    const taskId = await taskWithResult(tenant, { verifier });
    const { token, hash } = await newOutcomeToken(tenant.tenantId);
    await tenant.room(taskId).beginCheck(1, hash);
    await tenant.room(taskId).commitCheck(1, { kind: "accepted" });
    const tell = async (body: object, auth = token, id: string = taskId) =>
      post(`/v1/tasks/${id}/outcome`, body, { Authorization: `Bearer ${auth}` });
    return { taskId, token, tell };
  }

  test("tells the outcome of its task", async () => {
    const { taskId, tell } = await asked();
    const answer = { object: "outcome", taskId, attempt: 1, outcome: "fail", evidence: "red" };
    expect(await bodyOf(await tell({ outcome: "fail", evidence: "red" }))).toEqual(answer);
    expect(await bodyOf(await tell({ outcome: "fail" }))).toEqual(answer);
    expect((await tell({ outcome: "pass" })).status).toBe(409);
    const task = await call(`/v1/tasks/${taskId}`, { headers: tenant.auth });
    expect(await task.json()).toMatchObject({ state: "finished", verdict: { verifier: "http" } });
  });

  test("is told of a body that is not understood, and settles nothing by it", async () => {
    const { taskId, tell } = await asked();
    expect(await problemOf(await tell({ outcome: "maybe" }))).toMatchObject({ status: 400 });
    expect(await tenant.room(taskId).view()).toMatchObject({ state: "waiting", waitsFor: "checker" });
  });

  test("opens no other task, and nothing else of its own", async () => {
    const [own, other] = [await asked(), await asked()];
    const nobody = newId("tsk", config.source);
    for (const id of [other.taskId, nobody, "tsk_none"]) {
      const refused = await own.tell({ outcome: "pass" }, own.token, id);
      expect(await problemOf(refused)).toMatchObject({ status: 401, code: "unauthenticated" });
    }
    for (const path of [`/v1/tasks/${own.taskId}`, "/v1/tasks", "/v1/verifier-secret"]) {
      const refused = await call(path, { headers: { Authorization: `Bearer ${own.token}` } });
      expect(refused.status).toBe(401);
    }
    const cancel = await post(`/v1/tasks/${own.taskId}/cancel`, {}, { Authorization: `Bearer ${own.token}` });
    expect(cancel.status).toBe(401);
    expect((await tenant.room(other.taskId).view())?.state).toBe("waiting");
  });

  test("that nobody sent opens nothing, whatever tenant it names", async () => {
    const { taskId, tell } = await asked();
    const { token: made } = await newOutcomeToken(tenant.tenantId);
    const { token: foreign } = await newOutcomeToken((await openTenant()).tenantId);
    for (const forged of [made, foreign, `${made}0`, "sro_"]) {
      expect((await tell({ outcome: "pass" }, forged)).status).toBe(401);
    }
    expect((await tenant.room(taskId).view())?.state).toBe("waiting");
  });
});

describe("a checker's address", () => {
  test.each([
    "http://checker.example.com/",
    "https://127.0.0.1/x",
    "https://10.1.2.3/",
    "https://[fd00::1]/",
    "https://metadata.internal/",
    "https://user:word@checker.example.com/",
  ])("that may not be called is refused before anything is spent: %s", async (url) => {
    for (const path of ["/v1/tasks", "/v1/quotes"]) {
      const refused = await post(path, { prompt: "p", verifier: { type: "http", url } }, tenant.auth);
      expect(await problemOf(refused)).toEqual({
        status: 400,
        code: "invalid_body",
        paths: ["verifier.url"],
      });
    }
  });
});
