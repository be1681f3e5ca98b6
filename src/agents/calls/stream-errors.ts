/** What only a streamed answer can end with. */

/** The provider has gone quiet: no answer, or no further piece of one, within the time that it had. */
export class StalledError extends Error {
  override readonly name = "StalledError";

  constructor(stallMs: number) {
    super(`nothing came for ${stallMs} ms`);
  }
}

/** The stream ended, as if all were well, before the answer did. */
export class CutStreamError extends Error {
  override readonly name = "CutStreamError";

  constructor() {
    super("the stream ended before the answer did");
  }
}

/** What went wrong (`cause`) once an answer had begun: the provider has worked, whatever it says now. */
export class BrokenAnswerError extends Error {
  override readonly name = "BrokenAnswerError";

  constructor(cause: unknown) {
    super("the answer broke off", { cause });
  }
}
