/** Names of tools: what a task may write in its list, and what models call. Pure. */

/** Between an MCP server's name and that of one of its tools; in no other name. */
export const SERVER_SEPARATOR = "__";

/** What every provider takes as a tool's name. */
const MAX_NAME_CHARS = 64;
/** Leaves most of a shown name to the server's tool. */
const MAX_SERVER_NAME_CHARS = 24;
const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

/** A name that could be some tool's, the house's or a tenant's, or one of an MCP server's tools. */
export function isToolName(name: string): boolean {
  return name.length <= MAX_NAME_CHARS && NAME.test(name);
}

/** What is wrong with the name of a tool that is to be registered; null: nothing. @param taken by the house */
export function nameFault(
  { type, name }: { readonly type: "http" | "mcp"; readonly name: string },
  taken: readonly string[],
): string | null {
  const max = type === "mcp" ? MAX_SERVER_NAME_CHARS : MAX_NAME_CHARS;
  if (name.length > max) return `at most ${max} characters`;
  if (!NAME.test(name)) return "a letter, then letters, digits, _ and -";
  if (name.includes(SERVER_SEPARATOR) || name.endsWith("_"))
    return `no ${SERVER_SEPARATOR} in it and no _ at its end: that stands between a server and its tools`;
  return taken.includes(name) ? "the name of a tool of the house" : null;
}

/**
 * As models see the tools of a server, in the server's order: what is in no name becomes `_`, what is too long is cut, and
 * where that makes two alike, the later ones end in `_2`, `_3`, ….
 */
export function shownNames(server: string, remoteNames: readonly string[]): string[] {
  const given = new Set<string>();
  return remoteNames.map((remoteName) => {
    const whole = `${server}${SERVER_SEPARATOR}${remoteName.replaceAll(/[^A-Za-z0-9_-]/g, "_")}`;
    for (let count = 1; ; count += 1) {
      const suffix = count === 1 ? "" : `_${count}`;
      const name = `${whole.slice(0, MAX_NAME_CHARS - suffix.length)}${suffix}`;
      if (given.has(name)) continue;
      given.add(name);
      return name;
    }
  });
}

/** The registered tool that a name in a task's list is about: a server, for one of its tools. */
export function registeredName(name: string): string {
  const at = name.indexOf(SERVER_SEPARATOR);
  return at < 0 ? name : name.slice(0, at);
}
