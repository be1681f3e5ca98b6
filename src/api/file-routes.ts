/** `/v1/tasks/:id/files`: what a task's agent keeps while it works, for its tenant to read. */
import { Hono, type Context } from "hono";
import { parseId } from "../market/ids.ts";
import { isFilePath, type FilesView } from "../market/task-files.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller } from "./credentials.ts";
import { Problem } from "./problem.ts";

/** The task's room as these routes need it. */
interface FilesRoom {
  /** Null: there is no such task. */
  readFiles(path: string | null): Promise<FilesView | null>;
}

/** Below `/v1/tasks`. */
export function fileRoutes(deps: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/:id/files", async (c) => {
      const { files } = await filesOf(c, deps, null);
      const data = files.map(({ path, bytes, writtenAtMs }) => ({
        path,
        bytes,
        writtenAt: new Date(writtenAtMs).toISOString(),
      }));
      return c.json({ object: "list", data });
    })
    .get("/:id/files/*", async (c) => {
      const path = c.req.path.slice(c.req.path.indexOf("/files/") + "/files/".length);
      const { text } = await filesOf(c, deps, isFilePath(path) ? path : null);
      if (text === null) throw new Problem("file_not_found");
      // A model wrote it: whatever it looks like, no browser is to take it for more than text.
      return c.text(text, 200, {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
      });
    });
}

/** @param path whose text is wanted @throws Problem where there is no such task */
async function filesOf(c: Context<ApiEnv>, { config }: ApiDeps, path: string | null): Promise<FilesView> {
  const { tenantId } = await authorizedCaller(c, config, "read");
  const taskId = parseId("tsk", c.req.param("id") ?? "");
  if (taskId === null) throw new Problem("task_not_found");
  const view = await config.taskRoom<FilesRoom>(tenantId, taskId).readFiles(path);
  if (view === null) throw new Problem("task_not_found");
  return view;
}
