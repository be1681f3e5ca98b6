/** The figures of auction tokens as text. */
import { textTable } from "../../emulators/demo/text-table.ts";
import { PAPER } from "../market/constants.ts";
import { type AuctionTokens, CALL_KINDS, meanTokens, PARTS, tokensOf } from "./count-calls.ts";
import { auctionTokens, shareOfAuction, type TraceTokens, type Which } from "./measure-tokens.ts";

const WHAT: Readonly<Record<Which, string>> = {
  first: "first round alone",
  growing: "memory empty at first and growing",
  full: "memory that holds every task",
};
const ALL = Object.keys(WHAT) as Which[];

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const rounded = (tokens: number) => String(Math.round(tokens));
const right = (title: string) => ({ title, align: "right" as const });

export interface Measured {
  readonly rows: readonly TraceTokens[];
  readonly seeds: number;
  /** The provider's tokens for one of the house's; null: not known. */
  readonly factor: number | null;
}

export function tokensReport({ rows, seeds, factor }: Measured): string[] {
  return [
    `Auctions of the house's emulated pool of four on recorded tasks, prompts counted, means over ${seeds} seeds; traces as`,
    "their provider billed them.",
    "",
    ...perTrace(rows),
    "",
    ...ALL.map((which) => summary(rows, which)),
    "",
    ...(factor === null ? [] : [inProviderTokens(rows, factor), ""]),
    "Tokens of all tasks' auctions by call and by what stands in it, memory that holds every task:",
    "",
    ...breakdown(rows),
  ];
}

function perTrace(rows: readonly TraceTokens[]): string[] {
  const cells = rows.map((row) => [
    row.name,
    String(row.steps),
    String(row.trace),
    ...ALL.map((which) => rounded(auctionTokens(row, which))),
    ...ALL.map((which) => percent(shareOfAuction([row], which))),
  ]);
  const titles = ["steps", "trace", "first", "growing", "full", "share, first", "growing", "full"];
  return textTable([{ title: "recorded run" }, ...titles.map(right)], cells);
}

function inProviderTokens(rows: readonly TraceTokens[], factor: number): string {
  const shares = ALL.map((which) => percent(shareOfAuction(rows, which, factor)));
  return `With auctions in the provider's tokens, ${factor.toFixed(2)} for one of the house's (fitted to the runs' first prompts): ${shares.join(", ")}.`;
}

function summary(rows: readonly TraceTokens[], which: Which): string {
  const tokens = rows.reduce((sum, row) => sum + auctionTokens(row, which), 0);
  const below = rows.filter((row) => shareOfAuction([row], which) < PAPER.auctionTokenShare).length;
  return `${WHAT[which]}: ${rounded(tokens)} tokens, ${percent(shareOfAuction(rows, which))} of all; below ${percent(PAPER.auctionTokenShare)} on ${below} of ${rows.length} traces`;
}

function ofPart(tokens: AuctionTokens, part: (typeof PARTS)[number]): number {
  return CALL_KINDS.reduce((sum, kind) => sum + tokens[kind][part], 0);
}

function breakdown(rows: readonly TraceTokens[]): string[] {
  const mean = meanTokens(rows.map(({ full }) => full));
  const all = (tokens: number) => rounded(tokens * rows.length);
  const lines = CALL_KINDS.map((kind) => [
    kind,
    ...PARTS.map((part) => all(mean[kind][part])),
    all(tokensOf(mean, [kind])),
  ]);
  const last = ["all", ...PARTS.map((part) => all(ofPart(mean, part))), all(tokensOf(mean))];
  return textTable([{ title: "call" }, ...[...PARTS, "all"].map(right)], [...lines, last]);
}
