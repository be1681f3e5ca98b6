/**
 * One stack per state directory.
 *
 * The lock is a socket named after the directory: the system lets go of it however its holder dies, and a process
 * id that was given out again cannot be taken for the holder's.
 */
import { createHash } from "node:crypto";
import { mkdirSync, realpathSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StackError } from "./stack-error.ts";

export interface StateLock {
  release(): Promise<void>;
}

/**
 * Makes the directory if it is not there, and holds it for this process.
 *
 * @throws StackError `state_in_use` while another stack holds it
 */
export async function lockState(directory: string): Promise<StateLock> {
  mkdirSync(directory, { recursive: true });
  const path = socketPath(realpathSync(directory));
  if (await answers(path)) {
    throw new StackError(
      "state_in_use",
      `The state in ${directory} is in use by another local stack. Stop that one, or choose another directory.`,
    );
  }
  // What is left here is a dead holder's: nobody answered.
  if (process.platform !== "win32") rmSync(path, { force: true });
  const server = await listen(path, directory);
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** In the temporary directory: a socket's path may have about 100 bytes only. */
function socketPath(directory: string): string {
  const name = `saleroom-${createHash("sha256").update(directory).digest("hex").slice(0, 24)}`;
  return process.platform === "win32" ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function listen(path: string, directory: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error) =>
      reject(new StackError("state_in_use", `The state in ${directory} cannot be locked: ${error.message}`)),
    );
    server.listen(path, () => {
      // The lock alone keeps no process alive.
      server.unref();
      resolve(server);
    });
  });
}
