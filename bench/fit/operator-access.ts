/** The operator's API of one tenant, as the command calls it. */
import type { TenantId } from "../../src/market/ids.ts";

/** A failure that is the user's to mend: its message is all that is shown. */
export class FitError extends Error {}

export interface OperatorAccess {
  readonly url: string;
  readonly tenantId: TenantId;
  readonly secret: string;
}

/** @param request.path below the tenant's own. @throws FitError where there is no answer, or no good one */
export async function callOperator(
  { url, tenantId, secret }: OperatorAccess,
  request: { readonly method: string; readonly path: string; readonly body?: object },
): Promise<Response> {
  const target = `${url}/admin/tenants/${tenantId}/${request.path}`;
  let response: Response;
  try {
    response = await fetch(target, {
      method: request.method,
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    });
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new FitError(`cannot reach ${url}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (!response.ok) throw new FitError(`${request.method} ${target} answered ${response.status}`);
  return response;
}
