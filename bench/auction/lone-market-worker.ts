/**
 * Saleroom whose market rooms tell one and the same object instead of a new room for every task: for the rate of the
 * market room itself, without what it costs to make an object.
 */
import * as house from "../../src/index.ts";

export { default } from "../../src/index.ts";
export const { TaskRoom, CallHelper } = house;

// One for all objects of the isolate: the environment is what the configuration is remembered by.
const environments = new WeakMap<Env, Env>();

function withOneTaskRoom(env: Env): Env {
  const known = environments.get(env);
  if (known !== undefined) return known;
  const rooms = env.TASK_ROOM;
  const one = {
    idFromName: () => rooms.idFromName("the only one"),
    get: (id: DurableObjectId) => rooms.get(id),
  } as unknown as Env["TASK_ROOM"];
  const changed = { ...env, TASK_ROOM: one };
  environments.set(env, changed);
  return changed;
}

export class MarketRoom extends house.MarketRoom {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, withOneTaskRoom(env));
  }
}
