/**
 * Runs INSIDE the sandbox, before any untrusted code: `console`, and how values and errors are put into words.
 *
 * Everything it calls later is captured here first, so a script that patches the built-ins changes its own world only.
 * Reaches the host by one function, `print`, which no script can get hold of.
 */
import { describeError, inspect } from "./inspect.ts";

const MAX_LOG_CHARS = 65_536;
const CUT = "[the log was cut at 64 KiB]";

const { defineProperty } = Object;
const slice = Function.prototype.call.bind(String.prototype.slice) as (
  text: string,
  from: number,
  to: number,
) => string;

/** Installs `console`; gives the host the two functions it words results with. */
export default function install(print: (line: string) => void): {
  inspect: (value: unknown) => string;
  describeError: (error: unknown) => string;
} {
  let left = MAX_LOG_CHARS;

  function log(...values: unknown[]): void {
    if (left <= 0) return;
    let line = "";
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      line += `${index === 0 ? "" : " "}${typeof value === "string" ? value : inspect(value)}`;
    }
    const shown = slice(line, 0, left);
    left -= line.length + 1;
    print(shown);
    if (left <= 0) print(CUT);
  }

  defineProperty(globalThis, "console", {
    value: { log, info: log, warn: log, error: log, debug: log },
    writable: true,
    configurable: true,
    enumerable: false,
  });
  return { inspect, describeError };
}
