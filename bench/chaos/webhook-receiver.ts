/** An endpoint of the tenants': keeps what comes, and sometimes refuses it, as endpoints do. */
import { serveOnLoopback, type LoopbackServer } from "../loopback-server.ts";
import type { Delivered } from "./evidence.ts";

export interface WebhookReceiver extends LoopbackServer {
  readonly received: readonly Delivered[];
}

/** One in so many is refused the first time. */
const REFUSE_EVERY = 9;

export async function receiveWebhooks(): Promise<WebhookReceiver> {
  const received: Delivered[] = [];
  const server = await serveOnLoopback(({ request, body, response }) => {
    const { type, data } = JSON.parse(body) as { type: string; data: { taskId?: string; state?: string } };
    const id = String(request.headers["webhook-id"]);
    const known = received.some((one) => one.id === id);
    const accepted = known || received.length % REFUSE_EVERY !== 0;
    received.push({
      id,
      path: request.url ?? "",
      type,
      taskId: data.taskId ?? null,
      state: data.state ?? null,
      accepted,
    });
    response.writeHead(accepted ? 204 : 500).end();
  });
  return { ...server, received };
}
