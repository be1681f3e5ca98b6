/** Pools by environment, one readable JSON file each; the variable POOL names the one that a deployment uses. */
import local from "./local.json";
import production from "./production.json";

export const POOLS: Readonly<Record<string, unknown>> = { local, production };
