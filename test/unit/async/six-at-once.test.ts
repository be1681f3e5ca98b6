import { expect, test } from "vitest";
import { sixAtOnce } from "../../../src/async/six-at-once.ts";

const numbers = (n: number) => Array.from({ length: n }, (_, at) => at);

test("results stand in the order of what they are of, and what takes long holds up itself alone", async () => {
  const long = Promise.withResolvers<string>();
  let begun = 0;
  const all = sixAtOnce(numbers(20), async (n) => {
    begun += 1;
    return n === 0 ? long.promise : String(n);
  });
  await expect.poll(() => begun).toBe(20);
  long.resolve("0");
  expect(await all).toEqual(numbers(20).map(String));
});

test("no more than six are under way", async () => {
  let [now, most] = [0, 0];
  await sixAtOnce(numbers(20), async () => {
    most = Math.max(most, (now += 1));
    await Promise.resolve();
    now -= 1;
  });
  expect(most).toBe(6);
  expect(await sixAtOnce([], async () => 1)).toEqual([]);
});

test("the first failure is the whole's", async () => {
  const work = async (n: number) => (n === 3 ? Promise.reject(new Error("no")) : n);
  await expect(sixAtOnce(numbers(9), work)).rejects.toThrow("no");
});
