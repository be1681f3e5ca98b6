/** Where the Worker's failpoints report: each waits for an answer, and gets none when the process is to be killed there. */
import { serveOnLoopback, type LoopbackServer } from "../loopback-server.ts";

/** @param pass true: the process is to be killed, and the place is not answered */
export async function serveFailpoints(
  pass: (name: string, quiet: boolean) => boolean,
): Promise<LoopbackServer> {
  return serveOnLoopback(({ body, response }) => {
    const { name, quiet } = JSON.parse(body) as { name: string; quiet: boolean };
    if (!pass(name, quiet)) response.end();
  });
}
