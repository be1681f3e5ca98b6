/** What may be found against a run. Closed, so that a test can fabricate one of each kind. */
export const VIOLATION_KINDS = [
  /** An acknowledged task that does not exist, or has not ended. */
  "task-not-ended",
  /** More than one last event, or events after it, or another state than it says. */
  "task-ended-twice",
  "event-gap",
  /** A listener heard other events than the journal has. */
  "heard-differs",
  /** A listener showed another text than was committed. */
  "text-differs",
  /** One Idempotency-Key, several tasks; or a task that nobody asked for. */
  "asked-once-admitted-twice",
  "step-gap",
  /** The journal's steps are not the trace's. */
  "step-committed-twice",
  /** A step whose answer no model gave. */
  "step-without-answer",
  /** One answer of a model in two steps. */
  "answer-used-twice",
  /** A tool's answer in the trace that the tool never gave; or one key for several calls. */
  "tool-call-differs",
  /** A file without the text that its agent was told is written. */
  "file-differs",
  /** A verdict that whoever was asked did not give. */
  "verdict-differs",
  "call-open",
  "call-billed-twice",
  /** The tenant pays for more calls of a trace, or of its panel, than the room's record has a use for. */
  "work-paid-twice",
  /** More is billed than the models logged. */
  "charged-beyond-log",
  /** The models logged more than was billed or counted as unconfirmed. */
  "answer-not-booked",
  "books-differ",
  "books-drift",
  "still-held",
  "budget-passed",
  "outbox-left",
  "timer-left",
  "history-differs",
  "memory-not-once",
  "end-not-delivered",
  "delivery-id-changed",
  "tenant-seen",
  /** A deleted tenant of which something is left, or whose deletion does not end. */
  "tenant-left",
] as const;

export type ViolationKind = (typeof VIOLATION_KINDS)[number];

export interface Violation {
  readonly kind: ViolationKind;
  /** Id of what it was found at. */
  readonly at: string;
  readonly detail: string;
}

export type Find = (kind: ViolationKind, at: string, detail: string) => void;
