/**
 * The live view of a run as lines of text: one row a task, one bar for the whole. Pure; `live-screen.ts` draws it.
 *
 * Where the terminal is too low for all tasks, those at work come first and finished ones give way.
 */
import type { Colors } from "picocolors/types.js";
import { agentLabel, shortened, usd } from "./format.ts";
import { isDone, type TaskView } from "./task-view.ts";

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

export interface FrameOptions extends FrameSize {
  readonly colours: Colors;
  readonly elapsedMs: number;
}

interface Cell {
  readonly text: string;
  readonly style?: (text: string) => string;
}

/** Columns of all cells but label and winner, spaces included. */
const FIXED_COLUMNS = 44;
const MIN_LABEL_COLUMNS = 12;
const MAX_LABEL_COLUMNS = 28;
const MIN_WINNER_COLUMNS = 20;
const MAX_WINNER_COLUMNS = 32;
const BAR_COLUMNS = 24;
/** The heading, the bar, and the line the cursor rests on. */
const ROWS_AROUND = 3;

export function liveFrame(tasks: readonly TaskView[], options: FrameOptions): string[] {
  const fit = Math.max(1, options.rows - ROWS_AROUND);
  const shown = tasks.length <= fit ? tasks : mostTelling(tasks, fit - 1);
  const widths = textWidths(options.columns);
  const lines = shown.map((task) => taskCells(task, widths, options.colours));
  const hidden = tasks.length - shown.length;
  return [
    line([{ text: headingText(widths), style: options.colours.dim }], options.columns),
    ...lines.map((cells) => line(cells, options.columns)),
    ...(hidden > 0
      ? [line([{ text: `… and ${hidden} more`, style: options.colours.dim }], options.columns)]
      : []),
    line(barCells(tasks, options), options.columns),
  ];
}

/** Tasks at work, then the latest that ended, then those that wait; each group in the run's order. */
function mostTelling(tasks: readonly TaskView[], count: number): TaskView[] {
  const atWork = tasks.filter((task) => !isDone(task) && task.phase !== "queued");
  const done = tasks.filter(isDone);
  const waiting = tasks.filter((task) => task.phase === "queued");
  const room = Math.max(0, count - atWork.length);
  const chosen = new Set([...atWork, ...(room > 0 ? done.slice(-room) : []), ...waiting].slice(0, count));
  return tasks.filter((task) => chosen.has(task));
}

interface TextWidths {
  readonly label: number;
  readonly winner: number;
}

/** Label and winner share what the figures leave of the line: those are never cut on 80 columns. */
function textWidths(columns: number): TextWidths {
  const left = columns - FIXED_COLUMNS;
  const winner = between(MIN_WINNER_COLUMNS, Math.floor(left * 0.45), MAX_WINNER_COLUMNS);
  return { winner, label: between(MIN_LABEL_COLUMNS, left - winner, MAX_LABEL_COLUMNS) };
}

function between(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}

function headingText({ label, winner }: TextWidths): string {
  return [
    "task".padEnd(label),
    "bin",
    " bids",
    " jury",
    "winner".padEnd(winner),
    "steps",
    "state".padEnd(9),
    "     cost",
  ].join(" ");
}

function taskCells(task: TaskView, widths: TextWidths, colours: Colors): Cell[] {
  const pool = task.bidders.length;
  const waits = task.phase === "queued";
  const dim = waits ? colours.dim : undefined;
  return [
    { text: shortened(task.label, widths.label).padEnd(widths.label), style: dim },
    { text: String(task.bin ?? "–").padStart(3), style: dim },
    {
      text: (pool === 0 ? "" : `${task.bids}/${pool}`).padStart(5),
      style: task.abstained > 0 ? colours.yellow : undefined,
    },
    {
      text: (pool === 0 ? "" : `${task.verdicts}/${pool}`).padStart(5),
      style: task.jurorsLeft > 0 ? colours.yellow : undefined,
    },
    { text: winnerText(task, widths.winner), style: colours.cyan },
    { text: (task.steps === 0 ? "" : String(task.steps)).padStart(5) },
    stateCell(task, colours),
    { text: waits ? "" : usd(task.costMicros), style: colours.dim },
  ];
}

function winnerText({ winner }: TaskView, columns: number): string {
  return (winner === null ? "" : agentLabel(winner, columns)).padEnd(columns);
}

function stateCell(task: TaskView, colours: Colors): Cell {
  const text = (task.phase === "finished" ? (task.outcome ?? "unknown") : task.phase).padEnd(9);
  if (task.phase === "failed" || task.phase === "cancelled")
    return { text, style: (t) => colours.bold(colours.red(t)) };
  if (task.phase !== "finished") return { text, style: colours.dim };
  if (task.outcome === "pass") return { text, style: colours.green };
  return { text, style: task.outcome === "fail" ? colours.red : colours.yellow };
}

function barCells(tasks: readonly TaskView[], { colours, elapsedMs }: FrameOptions): Cell[] {
  const done = tasks.filter(isDone).length;
  const passed = tasks.filter((task) => task.outcome === "pass" && isDone(task)).length;
  const filled = tasks.length === 0 ? 0 : Math.floor((BAR_COLUMNS * done) / tasks.length);
  const cost = tasks.reduce((sum, task) => sum + task.costMicros, 0);
  return [
    { text: "█".repeat(filled), style: colours.green },
    { text: "░".repeat(BAR_COLUMNS - filled), style: colours.dim },
    {
      text: `${done}/${tasks.length} tasks, ${passed} passed, ${usd(cost)}, ${Math.floor(elapsedMs / 1_000)} s`,
    },
  ];
}

/** Cells with a space between them, cut to the width of the terminal before they are coloured: a wrapped line cannot be redrawn. */
function line(cells: readonly Cell[], columns: number): string {
  let left = columns - 1;
  const parts: string[] = [];
  for (const { text, style } of cells) {
    if (left <= 0) break;
    const cut = text.slice(0, left);
    left -= cut.length + 1;
    parts.push(style === undefined ? cut : style(cut));
  }
  return parts.join(" ");
}
