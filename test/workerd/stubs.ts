/** Real stubs of the rooms: the config's ports are none, and the runtime's test helpers want them. */
import { env } from "cloudflare:workers";
import type { TaskId, TenantId } from "../../src/market/ids.ts";

export function marketStub<Port>(tenantId: TenantId): DurableObjectStub & Port {
  return env.MARKET_ROOM.get(env.MARKET_ROOM.idFromName(tenantId)) as unknown as DurableObjectStub & Port;
}

export function taskStub<Port>(tenantId: TenantId, taskId: TaskId): DurableObjectStub & Port {
  const id = env.TASK_ROOM.idFromName(`${tenantId}/${taskId}`);
  return env.TASK_ROOM.get(id) as unknown as DurableObjectStub & Port;
}
