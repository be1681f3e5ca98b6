/**
 * The stack as a process of its own, for whoever starts it from another one (`spawn-stack.ts`).
 *
 * `serve.ts '{"directory": "…", "port": 0, "emulatorPort": 0}'` prints one line of JSON when it is up
 * (`{"url", "emulatorUrl", "adminSecret", "pid"}`, or `{"error"}`), and stops on SIGTERM or SIGINT. With `--stand-by` it
 * loads everything, and starts when a line comes on stdin; when that ends without one, so does the process.
 */
import { createInterface } from "node:readline";
import { startStack, warmUp, type StackOptions } from "./start-stack.ts";
import { StackError } from "./stack-error.ts";

const print = (text: string) => void process.stdout.write(`${text}\n`);
const options = JSON.parse(process.argv[2] ?? "") as StackOptions;
if (process.argv[3] === "--stand-by") await waitForStart();
try {
  const stack = await startStack({ quiet: true, ...options });
  const { url, emulatorUrl, adminSecret } = stack;
  print(JSON.stringify({ url, emulatorUrl, adminSecret, pid: process.pid }));
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  print(JSON.stringify({ error: { code: error.code, message: error.message } }));
  process.exit(1);
}

async function waitForStart(): Promise<void> {
  // Asked to start before it is warm, it starts all the same.
  const [asked] = await Promise.all([lineOf(process.stdin), warmUp(options).catch(() => undefined)]);
  if (!asked) process.exit(0);
}

/** True with the first line; false where the input ends before. */
async function lineOf(input: NodeJS.ReadableStream): Promise<boolean> {
  const { done = false } = await createInterface({ input })[Symbol.asyncIterator]().next();
  return !done;
}
