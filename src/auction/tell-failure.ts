/** A failed call as the tenant is told of it; what only concerns the operator goes to the log. */
import { logError } from "../log.ts";
import { CALL_FAILURE_TEXT, type CallFailure } from "../market/call.ts";
import type { AgentId } from "../market/ids.ts";

export function tellFailure(agentId: AgentId, { reason, message }: CallFailure): CallFailure {
  // Other messages may quote what the provider said, and with it the tenant's text: they are not logged.
  if (reason === "misconfigured") logError("agent-misconfigured", message, { agentId });
  return { reason, message: CALL_FAILURE_TEXT[reason] };
}
