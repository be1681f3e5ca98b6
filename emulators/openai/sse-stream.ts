/** Server-sent events at the pace of a model, whole or cut. Both wires stream through this. */
import type { Fault } from "../faults/decide-fault.ts";
import type { StreamPiece } from "./completion.ts";

export interface StreamPace {
  /** Time to spread over the pieces, in ms. */
  readonly restMs: number;
  /** What goes wrong once so many visible tokens are out; null: nothing does. */
  readonly fault: Fault | null;
}

/** As long as a call hangs: by then everybody has given up. */
const STALL_MS = 600_000;

const FLUSH_MS = 20;

/**
 * Bytes of `data: {…}` events, ended by `data: [DONE]`; a cut stream errors instead, as a lost connection does, and one
 * that stalls says no more.
 */
export function sseStream(pieces: readonly StreamPiece[], pace: StreamPace): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const { fault } = pace;
  const broken =
    fault?.kind === "cutStreamAfterTokens" || fault?.kind === "stallStreamAfterTokens" ? fault : null;
  const pauseMs = pace.restMs / Math.max(1, pieces.length);
  let owedMs = 0;
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      // Timers below a few milliseconds cost more than they wait: let the debt add up.
      owedMs += pauseMs;
      if (owedMs >= 5) {
        await new Promise((resolve) => setTimeout(resolve, owedMs));
        owedMs = 0;
      }
      const piece = pieces[at];
      at += 1;
      if (broken !== null && (piece === undefined || piece.tokensSoFar > broken.tokens)) {
        if (broken.kind === "stallStreamAfterTokens")
          await new Promise((resolve) => setTimeout(resolve, STALL_MS));
        // An error overtakes bytes that are not out of the socket yet: let them go first.
        await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
        controller.error(new Error("Network connection lost."));
        return;
      }
      if (piece === undefined) {
        controller.enqueue(encoder.encode("data: [DONE]\n\n"));
        controller.close();
        return;
      }
      controller.enqueue(encoder.encode(`data: ${JSON.stringify(piece.data)}\n\n`));
    },
  });
}
