/** Redraws a block of lines in place on a terminal. */
import type { WriteStream } from "node:tty";

const CSI = "\u001B[";
const REDRAW_MS = 100;

export interface LiveScreen {
  /** Draws the last frame and leaves it standing. */
  stop(): void;
}

/** Asks for a frame ten times a second; nothing is written while it stays the same. */
export function startLiveScreen(out: WriteStream, frame: () => readonly string[]): LiveScreen {
  let drawn: readonly string[] = [];
  const draw = () => {
    const lines = frame();
    if (lines.length === drawn.length && lines.every((line, at) => line === drawn[at])) return;
    const up = drawn.length > 0 ? `${CSI}${drawn.length}A` : "";
    // Each line is cleared to its end; what an older, taller frame left below is cleared too.
    out.write(`${up}\r${lines.map((line) => `${line}${CSI}K\n`).join("")}${CSI}J`);
    drawn = lines;
  };
  out.write(`${CSI}?25l`);
  const showCursor = () => out.write(`${CSI}?25h`);
  process.once("exit", showCursor);
  draw();
  const timer = setInterval(draw, REDRAW_MS);
  return {
    stop: () => {
      clearInterval(timer);
      draw();
      showCursor();
      process.off("exit", showCursor);
    },
  };
}
