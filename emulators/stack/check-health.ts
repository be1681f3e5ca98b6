/** Whether a stack that has come up has all that it needs, by Saleroom's own word (`GET /admin/health`). */
import { z } from "zod";
import type { Operator } from "./operator.ts";
import { StackError } from "./stack-error.ts";

const healthSchema = z.object({
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
});

/** Without these nothing works as it should; the rest (a provider's key, say) is the business of whoever uses it. */
const NEEDED = new Set(["history", "index", "embedding", "dimensions"]);

/**
 * What is wrong and can be lived with, in words.
 *
 * @throws StackError that says what is wrong and cannot
 */
export async function checkHealth({ url, adminSecret }: Operator): Promise<readonly string[]> {
  const response = await fetch(`${url}/admin/health`, {
    headers: { authorization: `Bearer ${adminSecret}` },
  });
  const text = await response.text();
  if (response.status !== 200 && response.status !== 503) {
    throw new StackError("start_failed", `GET /admin/health answered ${response.status}: ${text}`);
  }
  const failing = healthSchema.parse(JSON.parse(text)).checks.filter((check) => !check.ok);
  const needed = failing.filter(({ name }) => NEEDED.has(name));
  if (needed.length > 0) throw new StackError("unhealthy", needed.map(({ message }) => message).join("\n"));
  return failing.map(({ name, message }) => `${name}: ${message}`);
}
