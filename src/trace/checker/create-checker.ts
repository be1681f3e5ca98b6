/** Asks tenants' checkers, under the deployment's rules about addresses. */
import type { Config } from "../../config.ts";
import { createResolve } from "../../tenancy/resolve-host.ts";
import type { TraceDeps } from "../trace-run.ts";
import { sendCheck, type CheckerDeps } from "./send-check.ts";

export function createChecker(
  { webhookAllowList: allow, source }: Config,
  fetch: CheckerDeps["fetch"],
): TraceDeps["check"] {
  const deps: CheckerDeps = { fetch, resolve: createResolve(fetch), allow, now: source.now };
  return async (check, signal) => sendCheck(deps, check, signal);
}
