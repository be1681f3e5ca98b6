/** What every kind of call needs: the agent, a way to its model, and the meter. */
import type { Agent } from "../market/agent.ts";
import type { MeteredCall } from "./calls/metered-call.ts";
import type { PlainEndpoints } from "./calls/send-degrading.ts";
import type { Provider } from "./providers/provider.ts";

export interface AgentCall {
  readonly agent: Agent;
  readonly provider: Provider;
  /** The connection's: holds the key, and is for nobody to read. */
  readonly name: string;
  readonly call: MeteredCall;
  readonly plain: PlainEndpoints;
}
