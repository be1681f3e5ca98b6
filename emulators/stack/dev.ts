/**
 * `npm run dev`: the local stack on fixed ports, with a development tenant and key that stay.
 *
 * Restarts both Workers when a file of `src/` or `emulators/` changes; state survives that, queues do not.
 */
import { existsSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pc from "picocolors";
import { promptAt, workload } from "../workload/index.ts";
import { createTenant, type TenantAccess } from "./operator.ts";
import { PROJECT_ROOT } from "./project-root.ts";
import { startStack, type Stack } from "./start-stack.ts";
import { StackError } from "./stack-error.ts";

const { values } = parseArgs({
  options: {
    directory: { type: "string", default: join(PROJECT_ROOT, ".saleroom", "dev") },
    port: { type: "string", default: "8787" },
    "emulator-port": { type: "string", default: "8788" },
  },
});

const SETTLE_MS = 300;
const print = (text: string) => void process.stdout.write(`${text}\n`);
const complain = (text: string) => void process.stderr.write(`${text}\n`);

try {
  const started = performance.now();
  const stack = await startStack({
    directory: values.directory,
    port: Number(values.port),
    emulatorPort: Number(values["emulator-port"]),
  });
  const access = await developmentAccess(stack);
  print(welcome(stack, access, { ms: performance.now() - started, example: writeExample(stack) }));
  restartOnChange(stack);
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  complain(pc.red(error.message));
  process.exit(1);
}

/** The tenant of this state directory, made on its first start. */
async function developmentAccess(stack: Stack): Promise<TenantAccess> {
  const path = join(stack.directory, "development-key.json");
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as TenantAccess;
  const access = await createTenant(stack, { name: "development" });
  writeFileSync(path, `${JSON.stringify(access)}\n`, { mode: 0o600 });
  return access;
}

/** A task of the workload, which the emulated models know: they have no answer to anything else. */
function writeExample(stack: Stack): string {
  const path = join(stack.directory, "example-task.json");
  const [task] = workload;
  const input = task && { prompt: promptAt(task, `${stack.emulatorUrl}/docs`), verifier: task.verifier };
  writeFileSync(path, `${JSON.stringify(input, null, 2)}\n`);
  return path;
}

function welcome(
  stack: Stack,
  { key, tenantId }: TenantAccess,
  { ms, example }: { readonly ms: number; readonly example: string },
): string {
  return `
${pc.bold("Saleroom")} is up after ${(ms / 1_000).toFixed(1)} s; state in ${stack.directory}

  Saleroom   ${pc.cyan(stack.url)}
  emulators  ${pc.cyan(stack.emulatorUrl)}   every model here is emulated: no evidence about real ones
  tenant     ${tenantId}
  key        ${key}

  curl -s ${stack.url}/v1/tasks -H 'authorization: Bearer ${key}' -H 'content-type: application/json' \\
    -H 'prefer: wait=30' -d @${example}

Ctrl-C stops it.
`;
}

function restartOnChange(stack: Stack): void {
  let timer: NodeJS.Timeout | undefined;
  let working = Promise.resolve();
  const restart = async () => {
    const started = performance.now();
    try {
      await stack.restart();
      print(pc.dim(`restarted after a change, ${((performance.now() - started) / 1_000).toFixed(1)} s`));
    } catch (error) {
      complain(pc.red(error instanceof Error ? error.message : String(error)));
    }
  };
  for (const folder of ["src", "emulators"]) {
    watch(join(PROJECT_ROOT, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        working = working.then(restart);
      }, SETTLE_MS);
    });
  }
}
