/**
 * Rebuilds what the sandbox commits as files: the metered QuickJS and the programs that run inside of it.
 *
 *   node src/trace/sandbox/build/build.ts            write the files
 *   node src/trace/sandbox/build/build.ts --check    rebuild and compare, exit 1 on a difference
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { bundledGuests } from "./bundle-guests.ts";
import { meteredWasm } from "./meter-wasm.ts";

const WASM = fileURLToPath(new URL("../quickjs-metered.wasm", import.meta.url).href);
const isCheck = process.argv.includes("--check");

function settle(path: string, bytes: Uint8Array): void {
  const shown = relative(process.cwd(), path);
  if (!isCheck) {
    writeFileSync(path, bytes);
    process.stdout.write(`${shown}: ${bytes.length} bytes\n`);
  } else if (!existsSync(path) || !readFileSync(path).equals(bytes)) {
    process.stderr.write(`${shown} is out of date: npm run build:sandbox\n`);
    process.exitCode = 1;
  }
}

settle(WASM, meteredWasm());
for (const { path, text } of await bundledGuests()) settle(path, new TextEncoder().encode(text));
