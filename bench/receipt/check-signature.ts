/** Checks a receipt's Ed25519 signature against a public key. */
import { z } from "zod";
import { canonicalJson } from "../../src/market/receipt-json.ts";
import type { SignedReceipt } from "../../src/market/receipt-schema.ts";
import { fail, ok, type Result } from "../../src/market/result.ts";

/** As the market publishes it at `/.well-known/saleroom-receipt-key`. */
export const receiptKeySchema = z.looseObject({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.base64url(),
  kid: z.string(),
});

export type PublicReceiptKey = z.output<typeof receiptKeySchema>;

/** What is wrong with the signature, for people. `receipt` is the value as it was parsed, before any schema. */
export async function checkSignature(
  receipt: unknown,
  signature: SignedReceipt["signature"],
  key: PublicReceiptKey,
): Promise<Result<null, string>> {
  if (signature === null) return fail("the receipt is not signed");
  if (signature.keyId !== key.kid) {
    return fail(`signed with key ${signature.keyId}, and the key given is ${key.kid}`);
  }
  const { kty, crv, x } = key;
  const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x }, "Ed25519", false, ["verify"]);
  const bytes = new TextEncoder().encode(canonicalJson(receipt));
  const value = Buffer.from(signature.value, "base64url");
  const good = await crypto.subtle.verify("Ed25519", publicKey, value, bytes);
  return good ? ok(null) : fail("the signature is not of this receipt");
}
