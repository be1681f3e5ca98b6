/** By what layout a juror takes a strategy for its own. Anybody who writes the same way profits: that is the bias. */
import type { HouseId } from "../constants.ts";

const HABITS: Readonly<Record<HouseId, (text: string) => boolean>> = {
  "house-emulated-4b": (text) => /^\d+\. /m.test(text),
  "house-emulated-8b": (text) => /^- /m.test(text),
  "house-emulated-14b": (text) => /^[A-Z][a-z]+: /m.test(text),
  "house-emulated-32b": (text) => !text.includes("\n") && text.includes("; "),
};

/** True if the strategy is laid out as this juror would lay out its own. */
export function looksOwn(id: HouseId, strategy: string): boolean {
  return HABITS[id](strategy.trim());
}
