/**
 * `npm run verify-receipt -- FILE [--key FILE|URL]`: computes a receipt's auction again.
 *
 * Exit code 0: it agrees (and the signature is good, where a key is given); 1: it does not, and says where; 2: it could
 * not be read. FILE is the answer of `GET /v1/tasks/:id/receipt`, `-` for standard input.
 */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { verifyReceipt } from "./verify-receipt.ts";

const USAGE = "usage: npm run verify-receipt -- FILE [--key FILE|URL]";

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { key: { type: "string" } },
  });
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) throw new Error(USAGE);
  const body = await readJson(file);
  const key = values.key === undefined ? null : await readJson(values.key);
  const { agrees, lines } = await verifyReceipt(body, key);
  for (const line of lines) console.log(line);
  return agrees ? 0 : 1;
}

async function readJson(from: string): Promise<unknown> {
  return JSON.parse(await readText(from));
}

async function readText(from: string): Promise<string> {
  if (from === "-") return text(process.stdin);
  if (!/^https?:\/\//.test(from)) return readFile(from, "utf8");
  const response = await fetch(from);
  if (!response.ok) throw new Error(`${from} answered ${response.status}`);
  return response.text();
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
