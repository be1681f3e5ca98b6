/** The Worker's side of the bench's work queue (`work-queue.ts`): a queue to send to, and a delivery as a batch of one. */

/** One message on its way, as JSON. */
export interface Delivery {
  readonly queue: "saleroom-work" | "saleroom-dead";
  /** This one included. */
  readonly attempts: number;
  /** The message, as JSON. */
  readonly body: string;
}

export type Settled = "done" | { readonly retryInMs: number };

/** @param plainFetch the platform's own: what goes to the bench is none of the Worker's requests */
export function queueAt(url: string, plainFetch: typeof fetch): Pick<Queue, "send"> {
  const send = async (message: unknown): Promise<QueueSendResponse> => {
    const response = await plainFetch(url, { method: "POST", body: JSON.stringify(message) });
    if (!response.ok) throw new Error(`the bench's queue answered ${response.status}`);
    return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  };
  return { send };
}

/** Has a delivery consumed, and says what became of it. A consumer that throws has done nothing with it. */
export async function takeDelivery(
  request: Request,
  consume: (batch: MessageBatch) => Promise<void>,
): Promise<Response> {
  const { queue, attempts, body } = await request.json<Delivery>();
  let settled: Settled = "done";
  const retry = (options?: QueueRetryOptions): void => {
    settled = { retryInMs: (options?.delaySeconds ?? 0) * 1_000 };
  };
  const message: Message = {
    id: crypto.randomUUID(),
    timestamp: new Date(),
    body: JSON.parse(body) as unknown,
    attempts,
    ack: () => undefined,
    retry,
  };
  await consume({
    queue,
    messages: [message],
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll: () => undefined,
    retryAll: retry,
  });
  return Response.json(settled);
}
