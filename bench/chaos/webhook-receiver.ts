/** An endpoint of the tenants': keeps what comes, and sometimes refuses it, as endpoints do. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LOOPBACK } from "../../emulators/stack/ports.ts";
import { closed } from "./failpoint-server.ts";
import type { Delivered } from "./evidence.ts";

export interface WebhookReceiver {
  readonly origin: string;
  readonly received: readonly Delivered[];
  close(): Promise<void>;
}

/** One in so many is refused the first time. */
const REFUSE_EVERY = 9;

export async function receiveWebhooks(): Promise<WebhookReceiver> {
  const received: Delivered[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
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
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const origin = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
  return { origin, received, close: async () => closed(server) };
}
