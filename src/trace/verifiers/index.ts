/** The verifiers' public door. */
export { verify } from "./verify.ts";
export type { Verdict } from "./verdict.ts";
