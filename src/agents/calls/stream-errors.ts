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

/** What went wrong (`cause`) once a stream had begun: the provider may have worked, whatever it says now. */
export class BrokenAnswerError extends Error {
  override readonly name = "BrokenAnswerError";
  /** Some of the answer itself had come: the provider has worked. */
  readonly hasContent: boolean;

  constructor(cause: unknown, hasContent: boolean) {
    super("the answer broke off", { cause });
    this.hasContent = hasContent;
  }
}
