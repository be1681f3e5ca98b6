/** Verifies a receipt: its form, its clearing computed again, its juries drawn again, its signature where a key is given. */
import { z } from "zod";
import { recompute } from "../../src/market/receipt-recompute.ts";
import type { Difference } from "../../src/market/receipt-difference.ts";
import { signedReceiptSchema, type SignedReceipt } from "../../src/market/receipt-schema.ts";
import { checkBallots } from "./check-ballots.ts";
import { checkSignature, receiptKeySchema } from "./check-signature.ts";

export interface Verification {
  readonly agrees: boolean;
  /** For people. */
  readonly lines: readonly string[];
}

/** `body` and `key` are parsed JSON from outside; a null key leaves the signature unchecked, and the lines say so. */
export async function verifyReceipt(body: unknown, key: unknown): Promise<Verification> {
  const parsed = signedReceiptSchema.safeParse(body);
  if (!parsed.success) {
    return { agrees: false, lines: ["not a saleroom.receipt.v1 receipt:", z.prettifyError(parsed.error)] };
  }
  const signed: SignedReceipt = parsed.data;
  const recomputed = recompute(signed.receipt);
  const found = [...(recomputed.ok ? [] : recomputed.failure), ...checkBallots(signed.receipt)];
  // The signature is over what was sent, so over the value before the schema had it.
  const signature = await signatureLine(
    (body as { readonly receipt: unknown }).receipt,
    signed.signature,
    key,
  );
  const summary = found.length === 0 ? [agreement(signed)] : found.map(differenceLine);
  return { agrees: found.length === 0 && signature.good, lines: [...summary, signature.line] };
}

function agreement({ receipt }: SignedReceipt): string {
  const { decision, task, policy } = receipt;
  if (decision.status === "no-bids") return `${task.taskId}: recomputed, no bids, as stated`;
  if (policy.rules.kind === "calibration") {
    const { agentId, calibrates } = policy.rules;
    return `${task.taskId}: a calibration run of ${calibrates.auctionId} by ${agentId}, no auction, as stated`;
  }
  const { winner, round, margin } = decision.clearing;
  const won = `${winner} wins in round ${round} by ${margin ?? "no other bid"}`;
  return `${task.taskId}: recomputed, ${won}${saleOf(decision)}, as stated`;
}

/** What came of the clearing, where its winner was not simply sold. */
function saleOf(decision: SignedReceipt["receipt"]["decision"]): string {
  switch (decision.status) {
    case "no-bids":
      return "";
    case "cleared":
      return decision.sale === undefined
        ? ""
        : `, ${decision.sale.agentId} is sold (${decision.sale.chosenBy})`;
    case "quoted":
      return ", quoted";
    case "no-sale":
      return `, none is sold (${decision.reason})`;
  }
}

function differenceLine({ path, stated, expected }: Difference): string {
  return `DIFFERS ${path}: stated ${JSON.stringify(stated)}, expected ${JSON.stringify(expected)}`;
}

async function signatureLine(
  receipt: unknown,
  signature: SignedReceipt["signature"],
  key: unknown,
): Promise<{ readonly good: boolean; readonly line: string }> {
  if (key === null) {
    const line =
      signature === null
        ? "not signed: that the recorded figures are genuine is not shown"
        : `signature of key ${signature.keyId} NOT CHECKED: give --key`;
    return { good: true, line };
  }
  const parsedKey = receiptKeySchema.safeParse(key);
  if (!parsedKey.success) return { good: false, line: "BAD KEY: not an Ed25519 public key as JWK" };
  const checked = await checkSignature(receipt, signature, parsedKey.data);
  return checked.ok
    ? { good: true, line: `signed with key ${parsedKey.data.kid}` }
    : { good: false, line: `BAD SIGNATURE: ${checked.failure}` };
}
