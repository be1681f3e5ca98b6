/** Names of tools: what may be registered, what models are shown, and what a task may write. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isToolName, nameFault, registeredName, shownNames } from "../../../../src/market/tools/tool-name.ts";

const HOUSE = ["http", "submit"];

describe("a name that is to be registered", () => {
  test.each([
    ["http", "orders"],
    ["http", "Look-up_2"],
    ["mcp", "shop"],
    ["mcp", "a".repeat(24)],
    ["http", "a".repeat(64)],
  ] as const)("may be, for %s, %s", (type, name) => {
    expect(nameFault({ type, name }, HOUSE)).toBeNull();
  });

  test.each([
    ["http", "submit"],
    ["http", "2fast"],
    ["http", "_orders"],
    ["http", "or ders"],
    ["http", "shop__orders"],
    ["http", "orders_"],
    ["http", "a".repeat(65)],
    ["mcp", "a".repeat(25)],
    ["mcp", ""],
    ["mcp", "öl"],
  ] as const)("is refused, for %s, as %s", (type, name) => {
    expect(nameFault({ type, name }, HOUSE)).toEqual(expect.any(String));
  });
});

describe("what models are shown of a server's tools", () => {
  test("is its name, two underscores, and what is left of theirs", () => {
    expect(shownNames("shop", ["look.up", "look up", "look/up", "x"])).toEqual([
      "shop__look_up",
      "shop__look_up_2",
      "shop__look_up_3",
      "shop__x",
    ]);
  });

  test("is a name that providers take, one for each, and leads back to its server", () => {
    const server = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,23}$/);
    const names = fc.array(
      fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom("a", "a_2", "x".repeat(90))),
      {
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(server, names, (of, remote) => {
        const shown = shownNames(of, remote);
        expect(new Set(shown).size).toBe(remote.length);
        for (const name of shown) {
          expect(isToolName(name)).toBe(true);
          expect(registeredName(name)).toBe(of);
        }
      }),
    );
  });
});
