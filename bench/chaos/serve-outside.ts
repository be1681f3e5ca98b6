/** The tenants' own servers, on loopback: a webhook endpoint, a checker and a tool. They outlive the Worker's deaths. */
import { serveChecker, type Checker } from "./checker.ts";
import type { Evidence } from "./evidence.ts";
import { serveTool } from "./own-tool.ts";
import { receiveWebhooks } from "./webhook-receiver.ts";

export interface OutsideServers {
  readonly hookOrigin: string;
  readonly toolOrigin: string;
  readonly checker: Checker;
  /** Of the Worker, which may call them. */
  readonly vars: Readonly<Record<string, string>>;
  /** What came to them so far. */
  seen(): Pick<Evidence, "delivered" | "checked" | "toolHits">;
  close(): Promise<void>;
}

export async function serveOutside(): Promise<OutsideServers> {
  const receiver = await receiveWebhooks();
  const checker = await serveChecker();
  const tool = await serveTool();
  return {
    hookOrigin: receiver.origin,
    toolOrigin: tool.origin,
    checker,
    vars: { WEBHOOK_ALLOW_LIST: `${receiver.origin},${checker.origin}`, TOOL_ALLOW_LIST: tool.origin },
    seen: () => ({
      delivered: [...receiver.received],
      checked: [...checker.checked],
      toolHits: [...tool.hits],
    }),
    close: async () => {
      await Promise.all([receiver, checker, tool].map(async (server) => server.close()));
    },
  };
}
