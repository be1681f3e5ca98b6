/**
 * A panel of judges, as the task's room sees it: drawn from the attempt alone, asked under the trace's lease, and what each
 * of them said recorded as it comes, so that whoever takes the work up asks nobody twice.
 */
import type { EndedCall } from "../market/call.ts";
import { drawPanel, type Ruling } from "../market/panel.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { AwardDoc } from "./journal.ts";
import { lineOf } from "./line.ts";
import type { Room } from "./room.ts";
import type { DeskAnswer, PanelDesk } from "./task-room-api.ts";
import type { TraceStage } from "./trace-stage.ts";

export class PanelStage {
  readonly #room: Room;
  readonly #trace: TraceStage;

  constructor(room: Room, trace: TraceStage) {
    this.#room = room;
    this.#trace = trace;
  }

  open(generation: number): Result<PanelDesk, { readonly answer: Exclude<DeskAnswer, "continue"> }> {
    const held = this.#trace.held(generation);
    if (held === null) return fail({ answer: "lost" });
    if (held.task.stop !== null) return fail({ answer: "stop" });
    const { spec, pool, seed } = this.#room.mustOpening();
    const { verifier } = spec;
    if (verifier?.type !== "judge") throw new Error("no panel is to be asked");
    const { award } = held;
    const workers = [award.agentId, ...this.#room.journal.workers(lineOf(award))];
    const { panel, rubric } = verifier;
    const judges = drawPanel(pool, { workers, panel, seed, attempt: panelOf(award) });
    return ok({
      rubric,
      panel,
      judges: pool.filter(({ id }) => judges.includes(id)),
      rulings: this.#room.journal.rulings(panelOf(award)),
    });
  }

  commit(generation: number, call: EndedCall | null, ruling: Ruling): DeskAnswer {
    const held = this.#trace.held(generation);
    if (call !== null) this.#room.bookCall(call);
    if (held === null) return "lost";
    const { attempt, award } = held;
    if (this.#room.journal.addRuling(panelOf(award), ruling)) {
      const { agentId, costMicros, ms } = ruling;
      this.#room.append(
        ruling.status === "ruled"
          ? { type: "ruling-received", attempt, agentId, verdict: ruling.verdict, costMicros, ms }
          : { type: "judge-left", attempt, agentId, reason: ruling.reason },
      );
    }
    this.#trace.extend(held, true);
    return held.task.stop === null ? "continue" : "stop";
  }
}

/** The attempt whose panel it is: one that is redriven goes on with the judges of the one before, and with what they said. */
function panelOf({ attempt, soldAttempt = attempt }: Pick<AwardDoc, "attempt" | "soldAttempt">): number {
  return soldAttempt;
}
