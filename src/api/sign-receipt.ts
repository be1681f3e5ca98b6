/**
 * Signs receipts with Ed25519 (RFC 8032) over their canonical JSON, with the market's own key.
 *
 * The key is a secret: PKCS#8 in base64 (PEM armour allowed) or a private JWK (RFC 8037). Without one, receipts go out
 * unsigned and say so. A key that cannot be read is an error: an unsigned receipt must never be an accident.
 */
import { z } from "zod";
import { canonicalJson } from "../market/receipt-json.ts";
import type { Receipt, SignedReceipt } from "../market/receipt-schema.ts";

const ALGORITHM = "Ed25519";

/** The public half, as published. */
export interface ReceiptKey {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  /** Thumbprint of the key (RFC 7638). */
  readonly kid: string;
  readonly use: "sig";
  readonly alg: "EdDSA";
}

export interface ReceiptSigner {
  readonly key: ReceiptKey;
  sign(receipt: Receipt): Promise<NonNullable<SignedReceipt["signature"]>>;
}

const privateJwk = z.object({
  kty: z.literal("OKP"),
  crv: z.literal(ALGORITHM),
  x: z.base64url(),
  d: z.base64url(),
});

/** @throws Error, without the secret in it, where it is no Ed25519 key */
export async function createReceiptSigner(secret: string): Promise<ReceiptSigner> {
  const privateKey = await importPrivate(secret.trim());
  const { x } = privateJwk.parse(await crypto.subtle.exportKey("jwk", privateKey));
  const kid = await thumbprint(x);
  return {
    key: { kty: "OKP", crv: ALGORITHM, x, kid, use: "sig", alg: "EdDSA" },
    sign: async (receipt) => {
      const bytes = new TextEncoder().encode(canonicalJson(receipt));
      const signature = await crypto.subtle.sign(ALGORITHM, privateKey, bytes);
      return { algorithm: ALGORITHM, keyId: kid, value: base64url(new Uint8Array(signature)) };
    },
  };
}

async function importPrivate(secret: string): Promise<CryptoKey> {
  try {
    // Extractable: the public half is read off it.
    if (secret.startsWith("{")) {
      const { kty, crv, x, d } = privateJwk.parse(JSON.parse(secret));
      return await crypto.subtle.importKey("jwk", { kty, crv, x, d }, ALGORITHM, true, ["sign"]);
    }
    const base64 = secret.replace(/-----[A-Z ]+-----/g, "").replace(/\s+/g, "");
    const der = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return await crypto.subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]);
  } catch {
    // The cause may quote the secret.
    throw new Error(`RECEIPT_SIGNING_KEY is no Ed25519 private key: give PKCS#8 in base64, or a JWK`);
  }
}

/** SHA-256 over the members that RFC 7638 names, in its order. */
async function thumbprint(x: string): Promise<string> {
  const bytes = new TextEncoder().encode(canonicalJson({ crv: ALGORITHM, kty: "OKP", x }));
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function base64url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
