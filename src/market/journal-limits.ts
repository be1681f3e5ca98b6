/**
 * How much of a trace its task's room keeps, in bytes of JSON in UTF-8. Pure.
 *
 * A step is one row: the model's answer and its tools' answers together must stay below the 2 MB of a row of an object.
 * All steps of a trace are handed to its holder in one call, and are held several times over while they are read, sent and
 * asked with: so much stays far below the 32 MiB of a call between rooms and the 128 MB of an isolate.
 */

/** The model's answer of one step: 65,536 output tokens are some 300 KB, which stand in it twice. */
export const MAX_ANSWER_BYTES = 1_000_000;
/** A step whose answers are known when it is committed, with them: it is the row, and nothing is added to it. */
export const MAX_STEP_BYTES = 1_900_000;
/** What one tool answered, of at most eight of a step; text that JSON must escape is cut further than the tools cut it. */
export const MAX_OUTCOME_BYTES = 110_000;
/** Of the short answer to a call that does not run, with what stands around it. */
export const MAX_REFUSAL_BYTES = 250;
/** A step of which no more than the beginning of its words is kept (`last-step.ts`), with what stands around it. */
export const CUT_STEP_BYTES = 2_000;
/** All steps of a trace. */
export const MAX_TRACE_BYTES = 8_000_000;
/**
 * Kept back of it while a trace goes on, so that a wrap-up's answer has room: 4,096 tokens, twice, and what stands around
 * them. Of a longer one the result has room all the same (`last-step.ts`).
 */
export const WRAP_UP_BYTES = 100_000;
/** A result, which stands in the task's own row; longer ones are cut. */
export const MAX_RESULT_BYTES = 1_000_000;
