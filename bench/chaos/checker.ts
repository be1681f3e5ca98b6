/**
 * A tenant's checker, asked by tasks with the verifier `http`: says of an attempt always the same, in the way that the path
 * names, and keeps what it was asked.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { drawsFor } from "../../emulators/house/draws.ts";
import { serveOnLoopback, type LoopbackServer } from "../loopback-server.ts";
import type { Checked } from "./evidence.ts";

/** In its answer; later, by the task's token; not at all; or in its answer to the second try. */
export const CHECKER_WAYS = ["now", "later", "later", "never", "again"] as const;

const LATER_MS = { least: 50, most: 2_500 };
const PASSES = 0.6;

export interface Checker extends LoopbackServer {
  readonly checked: readonly Checked[];
  /** Tells an outcome later; until it is set, nobody is told. */
  tell: (told: Told) => Promise<void>;
}

export interface Told {
  readonly path: string;
  readonly token: string;
  readonly outcome: "pass" | "fail";
}

interface Question {
  readonly data: {
    readonly taskId: string;
    readonly attempt: number;
    readonly callback: { readonly path: string; readonly token: string };
  };
}

export async function serveChecker(): Promise<Checker> {
  const checked: Checked[] = [];
  const server = await serveOnLoopback(({ request, body, response }) => {
    const { taskId, attempt, callback } = (JSON.parse(body) as Question).data;
    const id = String(request.headers["webhook-id"]);
    const draws = drawsFor(0, "checker", taskId, attempt);
    const outcome = draws.uniform() < PASSES ? "pass" : "fail";
    const isFirst = !checked.some((one) => one.id === id);
    checked.push({ id, taskId, attempt, outcome });
    const say = () => response.end(JSON.stringify({ outcome }));
    const way = CHECKER_WAYS.find((one) => request.url === `/${one}`) ?? "never";
    switch (way) {
      case "now":
        return say();
      case "again":
        return isFirst ? response.writeHead(500).end() : say();
      case "later":
        void later(checker, { ...callback, outcome }, draws.int(LATER_MS.least, LATER_MS.most));
        return response.writeHead(202).end();
      case "never":
        return response.writeHead(202).end();
    }
  });
  const checker: Checker = { ...server, checked, tell: async () => undefined };
  return checker;
}

async function later(checker: Checker, told: Told, ms: number): Promise<void> {
  await sleep(ms);
  // Nobody is there to be told any more once the run is over.
  await checker.tell(told).catch(() => undefined);
}
