/** An admission and what its request is told of its rates. */
import { fail, ok, type Result } from "../market/result.ts";
import type { Admission, AdmitRefusal } from "./market-room-api.ts";
import type { RateReport } from "./rate-gate.ts";

/** @param rate null: no limit of requests holds */
export function withRate(
  rate: RateReport | null,
  admit: () => Result<Admission, AdmitRefusal>,
): Result<Admission, AdmitRefusal> {
  if (rate === null) return admit();
  if (rate.refusal !== null) return fail({ reason: "rate_limited", rate });
  const admitted = admit();
  return admitted.ok ? ok({ ...admitted.value, rate }) : fail({ ...admitted.failure, rate });
}
