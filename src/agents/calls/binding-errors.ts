/**
 * What the Workers AI binding fails with, told apart from our own faults: the errors that it throws are plain ones, some
 * without a code, and now and then it resolves without an answer.
 */
import type { AiBinding } from "../ai-binding.ts";

/** Reads like its cause. */
export class BindingError extends Error {
  constructor(cause: unknown) {
    const { name, message = String(cause) } = (cause ?? {}) as Partial<Error>;
    super(message, { cause });
    if (name !== undefined) this.name = name;
  }
}

/** The same binding. @throws BindingError and nothing else */
export function tellsItsErrors(ai: AiBinding): AiBinding {
  return {
    async run(...given: Parameters<AiBinding["run"]>) {
      let answer: unknown;
      try {
        answer = await ai.run(...given);
      } catch (error) {
        throw new BindingError(error);
      }
      if (answer === undefined || answer === null) throw new BindingError("no answer came");
      return answer;
    },
  };
}
