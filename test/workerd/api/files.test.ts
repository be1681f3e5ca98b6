/** The files of a task as its tenant reads them. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import {
  call,
  config,
  fingerprint,
  holdTask,
  openTenant,
  post,
  problemOf,
  taskOf,
  type Tenant,
} from "./support.ts";

let tenant: Tenant;
let other: Tenant;
let taskId: TaskId;
beforeAll(async () => {
  [tenant, other] = [await openTenant(), await openTenant()];
  taskId = await withFiles(tenant, { "b.html": "<script>alert(1)</script>", "notes/plan.md": "# Plan ✓" });
});

/** A task under way whose agent has written these. */
async function withFiles(who: Tenant, files: Readonly<Record<string, string>>): Promise<TaskId> {
  const task = { prompt: "p", policy: "cheapest", tools: ["files"] };
  const { id } = await taskOf(await post("/v1/tasks", task, who.auth));
  const room = who.room(id as TaskId);
  // Its auction, which asks nobody, goes on after the answer.
  await vi.waitFor(async () => expect((await room.takeTrace(1, 1)).ok).toBe(true));
  for (const [path, text] of Object.entries(files)) {
    expect((await room.useFiles(1, { kind: "write", path, text })).ok).toBe(true);
  }
  return id as TaskId;
}

const get = async (path: string, who: Tenant = tenant) => call(`/v1/tasks/${path}`, { headers: who.auth });

describe("a task's files", () => {
  test("are listed by their paths, with sizes in bytes", async () => {
    const response = await get(`${taskId}/files`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      object: "list",
      data: [
        { path: "b.html", bytes: 25, writtenAt: expect.stringMatching(/^\d{4}-.*Z$/) },
        { path: "notes/plan.md", bytes: 10, writtenAt: expect.stringMatching(/^\d{4}-.*Z$/) },
      ],
    });
  });

  test("are none before anybody has written one", async () => {
    expect(await (await get(`${await holdTask(tenant)}/files`)).json()).toEqual({ object: "list", data: [] });
  });

  test("are text, and nothing that a browser would run", async () => {
    const response = await get(`${taskId}/files/b.html`);
    expect(await response.text()).toBe("<script>alert(1)</script>");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/plain; charset=UTF-8",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
    });
    expect(await (await get(`${taskId}/files/notes/plan.md`)).text()).toBe("# Plan ✓");
  });

  test.each(["nothing", "notes", "notes/", "", "notes%2fplan.md", "./notes/../b.htm", "b.html/"])(
    "have none at %j",
    async (path) => {
      const { status, code } = await problemOf(await get(`${taskId}/files/${path}`));
      expect([status, code]).toEqual([404, "file_not_found"]);
    },
  );

  test("are nobody else's: to another tenant the task reads like one that never was", async () => {
    for (const place of ["files", "files/b.html", "files/nothing"]) {
      const foreign = await get(`${taskId}/${place}`, other);
      const unknown = await get(`${newId("tsk", config.source)}/${place}`, other);
      expect(foreign.status).toBe(404);
      expect(await fingerprint(foreign)).toEqual(await fingerprint(unknown));
    }
    expect((await call(`/v1/tasks/${taskId}/files`)).status).toBe(401);
  });

  test("are only read here", async () => {
    for (const place of ["files", "files/b.html"]) {
      const response = await post(`/v1/tasks/${taskId}/${place}`, {}, tenant.auth);
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET"]);
    }
  });
});
