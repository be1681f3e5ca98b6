/** Takes the content out of a Markdown code fence; models like to wrap what they were asked for. Linear in the text. */

interface Block {
  readonly language: string;
  readonly lines: string[];
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const LANGUAGE = /^\s*([\w+-]*)/;

/**
 * The content of the fenced block, when the text has one in a language of `languages` (or one without a language), the
 * first of several; the text itself when it has none. An unclosed fence runs to the end.
 */
export function unfence(text: string, languages: readonly string[]): string {
  const blocks = blocksOf(text);
  const block =
    blocks.find((it) => languages.includes(it.language)) ?? blocks.find((it) => it.language === "") ?? null;
  return block === null ? text : block.lines.join("\n");
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { readonly block: Block; readonly fence: string } | null = null;
  for (const line of text.split(/\r?\n/)) {
    const { fence, language } = fenceOf(line);
    if (open === null) {
      if (fence === undefined) continue;
      open = { block: { language: language.toLowerCase(), lines: [] }, fence };
      blocks.push(open.block);
    } else if (fence !== undefined && language === "" && fence.startsWith(open.fence)) {
      open = null;
    } else {
      open.block.lines.push(line);
    }
  }
  return blocks;
}

/** In two looks: one pattern for all of the line would go over it once for each of its characters. */
function fenceOf(line: string): { readonly fence?: string; readonly language: string } {
  const [opening = "", fence] = FENCE.exec(line) ?? [];
  const info = line.slice(opening.length);
  // Backticks behind it make it text, such as ```this```.
  if (fence === undefined || info.includes("`")) return { language: "" };
  return { fence, language: LANGUAGE.exec(info)?.[1] ?? "" };
}
