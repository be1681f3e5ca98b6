/**
 * How a stretch of work in the sandbox can end.
 *
 * Every way a script can go wrong is a tagged reason; nothing a script does becomes an exception of the host.
 */

/** Why a script gave no value. */
export type SandboxReason =
  /** It used up its fuel: an endless loop, a native builtin that never returns, a regex that backtracks. */
  | "out_of_fuel"
  /** It asked for more memory than the limit and did not catch the error. */
  | "out_of_memory"
  /** It recursed too deep, in its own functions or in a parser. */
  | "stack_overflow"
  /** It threw, or its promise was rejected. */
  | "threw"
  /** It does not parse. */
  | "syntax_error"
  /** Its promise can never settle: no job is left that could. */
  | "never_settled"
  /** Source and inputs together are longer than the sandbox takes. */
  | "source_too_long"
  /** What it returned is longer than the sandbox hands out. */
  | "output_too_long"
  /** The interpreter itself gave up (an assertion, a wild read); the instance was thrown away. */
  | "crashed"
  /** The caller's signal was aborted while the script waited for its turn. */
  | "aborted";

export interface SandboxFailure {
  readonly ok: false;
  readonly reason: SandboxReason;
  /** One or more lines for whoever wrote the script; holds text that the script chose. */
  readonly message: string;
  /** What the script logged before it failed. */
  readonly logs: string;
  /** Units of fuel, at most the budget. */
  readonly fuelUsed: number;
}

export interface SandboxSuccess<T> {
  readonly ok: true;
  readonly value: T;
  /** Logged lines, at most 64 KiB; a cut is stated in the last line. */
  readonly logs: string;
  readonly fuelUsed: number;
}

export type SandboxOutcome<T = string> = SandboxSuccess<T> | SandboxFailure;

/** Unwinds the host's side of a run; caught by the sandbox, never seen outside of it. */
export class SandboxFault extends Error {
  override readonly name = "SandboxFault";
  readonly reason: SandboxReason;

  constructor(reason: SandboxReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
