/** A tenant's hint reaches the platform with the call that makes its market room, and no other room gets one. */
import { expect, test } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { newId } from "../../../src/market/ids.ts";
import { LOCATION_HINTS } from "../../../src/market/location-hint.ts";

/** What the namespaces were asked for: name and options. */
function aPlatform() {
  const asked: [name: string, options: unknown][] = [];
  const namespace = {
    idFromName: (name: string) => name,
    get: (name: string, options: unknown) => {
      asked.push([name, options]);
      return { setUp: async () => undefined, view: async () => null };
    },
  };
  const env = { POOL: "local", MARKET_ROOM: namespace, TASK_ROOM: namespace, CALL_HELPER: namespace };
  return { asked, config: parseConfig(env as unknown as Env) };
}

test.each(LOCATION_HINTS)("%s", async (hint) => {
  const { asked, config } = aPlatform();
  const tenantId = newId("ten", config.source);
  await config.marketRoom<{ setUp(): Promise<void> }>(tenantId, hint).setUp();
  expect(asked).toEqual([[tenantId, { locationHint: hint }]]);
});

test.each([null, undefined])("a room without a hint (%s) is asked for without one", async (hint) => {
  const { asked, config } = aPlatform();
  const tenantId = newId("ten", config.source);
  const taskId = newId("tsk", config.source);
  await config.marketRoom<{ setUp(): Promise<void> }>(tenantId, hint).setUp();
  await config.taskRoom<{ view(): Promise<null> }>(tenantId, taskId).view();
  expect(asked).toEqual([
    [tenantId, {}],
    [`${tenantId}/${taskId}`, {}],
  ]);
});
