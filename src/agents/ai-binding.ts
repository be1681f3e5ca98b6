/**
 * The Workers AI binding as far as this room uses it.
 *
 * Declared here, so that the real `Ai` binding and the emulator's service binding both fit, and so that nobody passes
 * an AbortSignal through it: a signal cannot cross a binding (DataCloneError), callers race instead.
 */
export interface AiBinding {
  /**
   * @param inputs plain data. Typed `any`: comparing anything narrower with `Ai`'s inputs by model name is
   *   "excessively deep" for the compiler (TS2589)
   * @returns whatever the model answers; read through a schema
   */
  // oxlint-disable-next-line typescript/no-explicit-any
  run(model: string, inputs: any, options?: AiRunOptions): Promise<unknown>;
}

interface AiRunOptions {
  /** `x-session-affinity` keeps a conversation on the machine that holds its prompt cache. */
  readonly extraHeaders?: Readonly<Record<string, string>>;
}
