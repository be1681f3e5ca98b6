/** A task that asks for a panel: what is understood, and a pool that could never decide. */
import { expect, test } from "vitest";
import { config, openTenant, post, problemOf } from "./support.ts";

const judged = (panel: unknown) => ({
  prompt: "p",
  verifier: { type: "judge", rubric: "It is right.", panel },
});

test("a panel that the pool could never seat is refused, and nothing was spent", async () => {
  const [agent] = config.pool;
  if (agent === undefined) throw new Error("an empty pool");
  const owner = await openTenant();
  for (const path of ["/v1/tasks", "/v1/quotes"]) {
    await owner.market.setPolicy({ allow: config.pool.slice(0, 2).map(({ id }) => id) });
    const refused = await post(path, judged(3), owner.auth);
    expect(await problemOf(refused)).toEqual({
      status: 400,
      code: "invalid_body",
      paths: ["verifier.panel"],
    });
    expect((await post(path, judged(1), owner.auth)).status).toBe(202);
    await owner.market.setPolicy({ allow: [agent.id] });
    expect((await post(path, judged(1), owner.auth)).status).toBe(400);
  }
});

test.each([0, 2, 4, 7, "3"])("a panel of %j is none", async (panel) => {
  const { auth } = await openTenant();
  expect(await problemOf(await post("/v1/tasks", judged(panel), auth))).toMatchObject({
    status: 400,
    paths: ["verifier.panel"],
  });
});

test("a panel without a rubric is not asked", async () => {
  const { auth } = await openTenant();
  for (const rubric of [undefined, "", "  ", "x".repeat(8_001)]) {
    const refused = await post("/v1/tasks", { prompt: "p", verifier: { type: "judge", rubric } }, auth);
    expect(await problemOf(refused)).toMatchObject({ status: 400, paths: ["verifier.rubric"] });
  }
});
