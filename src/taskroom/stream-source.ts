/** A trace's text as its journal and its holder have it: what the event stream reads, and what it is told. */
import type { TellAnswer, TextPiece } from "../market/live-text.ts";
import type { EventStream, StepText, StreamSource } from "./event-stream.ts";
import type { AwardDoc, Journal } from "./journal.ts";
import { lineOf } from "./line.ts";
import type { HeldTrace } from "./trace-stage.ts";

export function streamSource(journal: Journal): StreamSource {
  const award = () => journal.task()?.award ?? null;
  return {
    eventsAfter: (seq, limit) => journal.eventsAfter(seq, limit),
    isEnded: () => (journal.task()?.end ?? null) !== null,
    stepText: ({ attempt, step }) => journal.step(attempt, step)?.answered.text ?? "",
    answeredStep: () => answeredStep(journal, award()),
    dueStep() {
      const due = award();
      return due === null ? null : { attempt: due.attempt, step: dueStep(journal, due) };
    },
  };
}

/** A piece for whoever listens: of the holder's, and of the step that is due. */
export function tellText(
  stream: EventStream,
  journal: Journal,
  { held, piece }: { readonly held: HeldTrace | null; readonly piece: TextPiece },
): TellAnswer {
  if (held === null) return "lost";
  const isDue = held.task.result === null && dueStep(journal, held.award) === piece.step;
  return isDue ? stream.tell(held.attempt, piece) : "unheard";
}

/** The last step, where its answer is committed and its tools have not answered yet. */
function answeredStep(journal: Journal, award: AwardDoc | null): StepText | null {
  if (award === null) return null;
  const step = dueStep(journal, award) - 1;
  const last = journal.step(award.attempt, step);
  return last?.isPending === true ? { attempt: last.attempt, step, text: last.answered.text } : null;
}

function dueStep(journal: Journal, award: AwardDoc): number {
  return journal.countSteps(lineOf(award)) + 1;
}
