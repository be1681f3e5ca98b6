/** The tenants of a run, made before anybody is killed, and every client's errand at a bounded number at a time. */
import type { Client } from "./client.ts";
import type { Acknowledged, Heard } from "./evidence.ts";
import { runErrand } from "./run-errand.ts";
import { ownTool } from "./own-tool.ts";
import { errandOf, newTenant, TENANTS, type Outside, type TenantName } from "./workload.ts";

export interface OpenTenant {
  readonly name: TenantName;
  readonly tenantId: string;
  readonly key: string;
  readonly hookPath: string;
}

interface World {
  readonly client: Client;
  readonly url: string;
  readonly emulatorUrl: string;
  readonly adminSecret: string;
  readonly hookOrigin: string;
  readonly toolOrigin: string;
}

export async function openTenants(world: World): Promise<OpenTenant[]> {
  const { client, adminSecret: bearer } = world;
  return Promise.all(
    TENANTS.map(async (name) => {
      const settings = newTenant(name, world.emulatorUrl);
      const made = await client.ask({ method: "POST", path: "/admin/tenants", bearer, body: settings });
      const tenantId = String(made.json?.["id"]);
      const path = `/admin/tenants/${tenantId}/keys`;
      const { json } = await client.ask({ method: "POST", path, bearer, body: { name } });
      const key = String(json?.["key"]);
      const hookPath = `/${name}`;
      const url = `${world.hookOrigin}${hookPath}`;
      const hook = await client.ask({ method: "POST", path: "/v1/webhooks", bearer: key, body: { url } });
      const body = ownTool(world.toolOrigin);
      const tool = await client.ask({ method: "POST", path: "/v1/tools", bearer: key, body });
      if (hook.status !== 201 || tool.status !== 201)
        throw new Error(`the tenant ${name} was not set up: ${hook.status}, ${tool.status}`);
      return { name, tenantId, key, hookPath };
    }),
  );
}

export interface Pace {
  /** Whether there is to be an errand number `n`. */
  isWanted(n: number): boolean;
}

export interface ErrandsDone {
  readonly acknowledged: readonly Acknowledged[];
  readonly heard: readonly Heard[];
  /** By reason. */
  readonly refusals: Readonly<Record<string, number>>;
}

export async function runErrands(
  world: World & {
    readonly tenants: readonly OpenTenant[];
    readonly seed: number;
    readonly outside: Outside;
  },
  { concurrency, pace }: { readonly concurrency: number; readonly pace: Pace },
): Promise<ErrandsDone> {
  const acknowledged: Acknowledged[] = [];
  const heard: Heard[] = [];
  const refusals: Record<string, number> = {};
  let next = 0;
  const one = async (): Promise<void> => {
    for (;;) {
      const number = next;
      next += 1;
      if (!pace.isWanted(number)) return;
      const errand = errandOf(world.seed, number, world.outside);
      const tenant = world.tenants.find(({ name }) => name === errand.tenant);
      if (tenant === undefined) throw new Error(`no tenant ${errand.tenant}`);
      const done = await runErrand({ ...world, ...tenant }, errand);
      if (done.acknowledged !== null) acknowledged.push(done.acknowledged);
      if (done.heard !== null) heard.push(done.heard);
      if (done.refusal !== null) refusals[done.refusal] = (refusals[done.refusal] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  return { acknowledged, heard, refusals };
}
