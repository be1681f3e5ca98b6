import { describe, expect, test } from "vitest";
import { createResolve } from "../../../src/tenancy/resolve-host.ts";

const over = (answers: Record<string, unknown>) => {
  const asked: string[] = [];
  const resolve = createResolve(async (url) => {
    const type = new URL(url).searchParams.get("type") ?? "";
    asked.push(url);
    const answer = answers[type];
    return answer === undefined ? new Response("down", { status: 502 }) : Response.json(answer);
  });
  return { resolve, asked };
};

describe("a name", () => {
  test("has the addresses of both families, without the names of its aliases", async () => {
    const { resolve, asked } = over({
      A: {
        Status: 0,
        Answer: [
          { type: 5, data: "b.example." },
          { type: 1, data: "8.8.8.8" },
        ],
      },
      AAAA: { Status: 0, Answer: [{ type: 28, data: "2606:4700::1" }] },
    });
    expect(await resolve("a.example")).toEqual(["8.8.8.8", "2606:4700::1"]);
    expect(asked.every((url) => url.startsWith("https://") && url.includes("name=a.example&"))).toBe(true);
  });

  test("that is not there has none", async () => {
    expect(await over({ A: { Status: 3 }, AAAA: { Status: 3 } }).resolve("a.example")).toEqual([]);
  });

  test.each([
    ["for one family is missing", { A: { Status: 0, Answer: [{ data: "8.8.8.8" }] } }, "not valid JSON"],
    ["is a failure", { A: { Status: 2 }, AAAA: { Status: 0 } }, "the resolver says 2"],
    ["is none", { A: [], AAAA: [] }, "expected object"],
  ])("whose answer %s is not resolved", async (_, answers, message) => {
    await expect(over(answers).resolve("a.example")).rejects.toThrow(message);
  });
});
