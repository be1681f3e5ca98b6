/**
 * Makes a result that was written as a module loadable as a script, so that its top-level names are visible to tests.
 *
 * Only `export` is understood, by line, and only when the text does not parse as it stands (a template literal that
 * happens to hold an `export` line is left alone). This runs outside of the sandbox: the patterns are linear in the text.
 */
import { SandboxFault } from "../sandbox/index.ts";
import type { Vm } from "../sandbox/index.ts";

const DECLARATION =
  /^([ \t]*)export[ \t]+(?:default[ \t]+)?(?=(?:async[ \t]+)?function[ \t*]+[\w$]|class[ \t]+(?!extends\b)[\w$]|(?:const|let|var)[ \t])/gm;
const DEFAULT_VALUE = /^([ \t]*)export[ \t]+default[ \t]+/gm;
const LIST = /^[ \t]*export[ \t]*\{([^{}]*)\}[ \t;]*$/gm;

/** The text itself, or the text without its `export`s when only then it parses. The default value becomes `defaultExport`. @throws SandboxFault */
export function asScript(vm: Vm, text: string): string {
  try {
    vm.checkSyntax(text, "result.js");
    return text;
  } catch (error) {
    if (!(error instanceof SandboxFault) || error.reason !== "syntax_error" || !/\bexport\b/.test(text))
      throw error;
  }
  return text
    .replace(DECLARATION, "$1")
    .replace(DEFAULT_VALUE, "$1var defaultExport = ")
    .replace(LIST, (_, list: string) => renames(list));
}

/** `a, b as c` declares `c`; names that stay the same are declared already. */
function renames(list: string): string {
  return list
    .split(",")
    .map((item) => /^\s*([\w$]+)\s+as\s+([\w$]+)\s*$/.exec(item))
    .filter((found) => found !== null)
    .map(([, local, exported]) => `var ${exported === "default" ? "defaultExport" : exported} = ${local};`)
    .join(" ");
}
