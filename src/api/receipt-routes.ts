/** `/v1/tasks/:id/receipt`, and the public key that receipts are signed with. */
import { Hono, type Context } from "hono";
import { parseId } from "../market/ids.ts";
import type { Receipt, SignedReceipt } from "../market/receipt-schema.ts";
import { isFinal, type TaskState } from "../market/task.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller } from "./credentials.ts";
import { Problem } from "./problem.ts";
import { createReceiptSigner, type ReceiptSigner } from "./sign-receipt.ts";

/** The task's room as this route needs it. */
export interface ReceiptRoom {
  view(): Promise<{ readonly state: TaskState } | null>;
  /** Null before the auction cleared, and where the task ended without one. */
  receipt(): Promise<Receipt | null>;
}

/** Below `/v1/tasks`. */
export function receiptRoutes(deps: ApiDeps): Hono<ApiEnv> {
  const signer = signerOf(deps);
  return new Hono<ApiEnv>().get("/:id/receipt", async (c) => {
    const receipt = await readReceipt(c, deps);
    const signature = (await (await signer())?.sign(receipt)) ?? null;
    const unsignedBecause = signature === null ? "no_signing_key" : null;
    return c.json({ object: "receipt", receipt, signature, unsignedBecause } satisfies SignedReceipt);
  });
}

/** Below `/.well-known`: for anybody, without a key. */
export function receiptKeyRoutes(deps: ApiDeps): Hono<ApiEnv> {
  const signer = signerOf(deps);
  return new Hono<ApiEnv>().get("/saleroom-receipt-key", async (c) => {
    const signing = await signer();
    if (signing === null) throw new Problem("receipt_key_not_found");
    c.header("Cache-Control", "public, max-age=300");
    return c.json(signing.key, 200, { "Content-Type": "application/jwk+json" });
  });
}

/**
 * The signer, made at the first receipt; null without a key. A key that cannot be read fails every time it is asked for.
 * The signer is kept, not its promise: on the platform one request may not wait for another's.
 */
function signerOf({ config }: ApiDeps): () => Promise<ReceiptSigner | null> {
  const secret = config.receiptSigningKey;
  let signer: ReceiptSigner | null = null;
  return async () => {
    if (secret !== null) signer ??= await createReceiptSigner(secret);
    return signer;
  };
}

/** @throws Problem where there is no such task, or no receipt of it yet */
async function readReceipt(c: Context<ApiEnv>, { config }: ApiDeps): Promise<Receipt> {
  const { tenantId } = await authorizedCaller(c, config, "read");
  const taskId = parseId("tsk", c.req.param("id") ?? "");
  if (taskId === null) throw new Problem("task_not_found");
  const room = config.taskRoom<ReceiptRoom>(tenantId, taskId);
  const receipt = await room.receipt();
  if (receipt !== null) return receipt;
  const view = await room.view();
  if (view === null) throw new Problem("task_not_found");
  throw new Problem(isFinal(view.state) ? "auction_never_cleared" : "auction_not_cleared");
}
