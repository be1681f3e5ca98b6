/** `npm run fit` as a process. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Without a terminal, as in a script. */
export async function fit(args: readonly string[], secret: string): Promise<Ended> {
  const child = spawn(process.execPath, ["bench/fit/main.ts", ...args], {
    // The Worker's own types narrow ADMIN_SECRET to the local stack's.
    env: { ...process.env, ADMIN_SECRET: secret } as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => {
      child.on("close", resolve);
    }),
  ]);
  return { code, out, err };
}
