/** Signing in the Worker, verifying as the command does. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { verifyReceipt } from "../../../bench/receipt/verify-receipt.ts";
import { createReceiptSigner, type ReceiptSigner } from "../../../src/api/sign-receipt.ts";
import type { Receipt } from "../../../src/market/receipt-schema.ts";
import { aReceipt, draws, leavesOf, tampered, type Path } from "./support.ts";

/** RFC 8032, section 7.1, test 1, as PKCS#8 (RFC 8410) and as JWK. */
const PKCS8 = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
const JWK = JSON.stringify({
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
});
/** RFC 8037, appendix A.3. */
const THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

let signer: ReceiptSigner;
let stranger: ReceiptSigner;

beforeAll(async () => {
  signer = await createReceiptSigner(PKCS8);
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  stranger = await createReceiptSigner(JSON.stringify(await crypto.subtle.exportKey("jwk", pair.privateKey)));
});

async function signed(receipt: Receipt) {
  return { object: "receipt", receipt, signature: await signer.sign(receipt), unsignedBecause: null };
}

describe("the signing key", () => {
  test("is read from PKCS#8, with and without PEM armour, and from a JWK", async () => {
    const pem = `-----BEGIN PRIVATE KEY-----\n${PKCS8}\n-----END PRIVATE KEY-----\n`;
    for (const secret of [PKCS8, pem, JWK]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { key } = await createReceiptSigner(secret);
      expect(key).toEqual({
        kty: "OKP",
        crv: "Ed25519",
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        kid: THUMBPRINT,
        use: "sig",
        alg: "EdDSA",
      });
    }
  });

  test.each(["", "not base64!", "{}", `{"d":"${"s".repeat(43)}"}`, btoa("too short")])(
    "that is none is an error without the secret in it: %s",
    async (secret) => {
      const error = await createReceiptSigner(secret).then(
        () => null,
        (thrown: unknown) => thrown as Error,
      );
      expect(error?.message).toMatch(/^RECEIPT_SIGNING_KEY is no Ed25519 private key/);
      expect(error?.message).not.toContain("s".repeat(43));
      expect(error?.cause).toBeUndefined();
    },
  );
});

describe("a signed receipt", () => {
  test("verifies with the published key", async () => {
    await fc.assert(
      fc.asyncProperty(draws, async (draw) => {
        const { agrees, lines } = await verifyReceipt(await signed(aReceipt(draw)), signer.key);
        expect(agrees, lines.join("\n")).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test("verifies after any reprinting of its JSON", async () => {
    const body = await signed(aReceipt());
    const reordered = JSON.parse(
      JSON.stringify(
        { ...body, receipt: Object.fromEntries(Object.entries(body.receipt).toReversed()) },
        null,
        4,
      ),
    ) as unknown;
    expect((await verifyReceipt(reordered, signer.key)).agrees).toBe(true);
  });

  test("fails with any single leaf changed, whatever it is", async () => {
    const body = await signed(aReceipt({ failing: 0.3, seed: 3 }));
    const leaves = leavesOf(body);
    expect(leaves.length).toBeGreaterThan(200);
    const unseen: Path[] = [];
    await Promise.all(
      leaves.map(async (path) => {
        if ((await verifyReceipt(tampered(body, path), signer.key)).agrees) unseen.push(path);
      }),
    );
    expect(unseen).toEqual([]);
  });

  test("fails with another key, and with a key that only claims the same id", async () => {
    const body = await signed(aReceipt());
    const wrong = await verifyReceipt(body, stranger.key);
    expect(wrong.agrees).toBe(false);
    expect(wrong.lines.at(-1)).toMatch(/^BAD SIGNATURE: signed with key/);
    const imposter = await verifyReceipt(body, { ...stranger.key, kid: signer.key.kid });
    expect(imposter.lines.at(-1)).toBe("BAD SIGNATURE: the signature is not of this receipt");
  });

  test("without a key given agrees, and says that its signature was not checked", async () => {
    const { agrees, lines } = await verifyReceipt(await signed(aReceipt()), null);
    expect(agrees).toBe(true);
    expect(lines.at(-1)).toMatch(/NOT CHECKED/);
  });
});

describe("an unsigned receipt", () => {
  const unsigned = (receipt: Receipt) => ({
    object: "receipt",
    receipt,
    signature: null,
    unsignedBecause: "no_signing_key",
  });

  test("computes again, and says that nobody vouches for its figures", async () => {
    const { agrees, lines } = await verifyReceipt(unsigned(aReceipt()), null);
    expect(agrees).toBe(true);
    expect(lines.at(-1)).toMatch(/^not signed/);
  });

  test("fails where a key is given: a stripped signature is no way round it", async () => {
    const { agrees, lines } = await verifyReceipt(unsigned(aReceipt()), signer.key);
    expect(agrees).toBe(false);
    expect(lines.at(-1)).toBe("BAD SIGNATURE: the receipt is not signed");
  });
});

test("what is no receipt is refused in words", async () => {
  for (const body of [null, [], {}, { object: "receipt", receipt: {} }]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect((await verifyReceipt(body, null)).agrees).toBe(false);
  }
});
