/**
 * Bundles the programs that run inside the sandbox (`*.guest.ts`) into text that the Worker can carry (`*.generated.ts`).
 * Each text is an expression whose value is the program's default export. Run by build.ts; never bundled itself.
 */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const GUESTS = [
  "../guest/console.guest.ts",
  "../../verifiers/guest/tests.guest.ts",
  "../../verifiers/guest/json-schema.guest.ts",
];
const ROOT = fileURLToPath(new URL("../../../../", import.meta.url).href);

async function bundle(entry: string): Promise<string> {
  const built = await build({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "iife",
    globalName: "guest",
    target: "es2023",
    platform: "neutral",
    mainFields: ["module", "main"],
    legalComments: "none",
    minifyWhitespace: true,
    minifySyntax: true,
    banner: { js: '(() => { "use strict";' },
    footer: { js: "return guest.default; })()" },
  });
  const program = built.outputFiles[0]?.text;
  if (program === undefined) throw new Error(`${entry}: nothing was built`);
  return `/** Generated from \`${relative(ROOT, entry)}\` by \`sandbox/build/bundle-guests.ts\`. Do not edit. */
// prettier-ignore
export default ${JSON.stringify(program)};
`;
}

/** Each generated file's path and text. */
export async function bundledGuests(): Promise<{ readonly path: string; readonly text: string }[]> {
  const entries = GUESTS.map((guest) => fileURLToPath(new URL(guest, import.meta.url).href));
  return Promise.all(
    entries.map(async (entry) => ({
      path: entry.replace(/\.guest\.ts$/, ".generated.ts"),
      text: await bundle(entry),
    })),
  );
}
