/** An expected reason why the local stack does not start: for people, without a stack trace. */
export class StackError extends Error {
  override readonly name = "StackError";
  readonly code: "port_taken" | "state_in_use" | "bundle_failed" | "start_failed" | "unhealthy";

  constructor(code: StackError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
