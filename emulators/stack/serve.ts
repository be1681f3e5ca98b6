/**
 * The stack as a process of its own, for whoever starts it from another one (`spawn-stack.ts`).
 *
 * `serve.ts '{"directory": "…", "port": 0, "emulatorPort": 0}'` prints one line of JSON when it is up
 * (`{"url", "emulatorUrl", "adminSecret", "pid"}`, or `{"error"}`), and stops on SIGTERM or SIGINT.
 */
import { startStack, type StackOptions } from "./start-stack.ts";
import { StackError } from "./stack-error.ts";

const print = (text: string) => void process.stdout.write(`${text}\n`);
const options = JSON.parse(process.argv[2] ?? "") as StackOptions;
try {
  const stack = await startStack({ quiet: true, ...options });
  const { url, emulatorUrl, adminSecret } = stack;
  print(JSON.stringify({ url, emulatorUrl, adminSecret, pid: process.pid }));
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  print(JSON.stringify({ error: { code: error.code, message: error.message } }));
  process.exit(1);
}
