/** A tenant's tools as bidders are told of them: briefly, one line each, whatever their descriptions hold. */
import type { AllowedTool } from "../../../market/tools/tenant-tool.ts";

/** Of one description; of all of them together. */
const MAX_SHOWN_CHARS = 200;
const MAX_MENU_CHARS = 4_000;

/** Beyond the menu's size, names stand alone. */
export function ownMenu(
  tools: readonly AllowedTool[],
): { readonly name: string; readonly description: string }[] {
  let left = MAX_MENU_CHARS;
  return tools.map(({ name, description }) => {
    const line = description.replaceAll(/\s+/g, " ").trim();
    const short = line.length <= MAX_SHOWN_CHARS ? line : `${line.slice(0, MAX_SHOWN_CHARS).toWellFormed()}…`;
    left -= short.length;
    return { name, description: left < 0 ? "(a tool of the tenant's)" : short };
  });
}
