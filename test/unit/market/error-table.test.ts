import { expect, test } from "vitest";
import { ERROR_TABLE, type ErrorRow } from "../../../src/market/error-table.ts";

test("codes and their statuses are a contract with clients: add rows, never change or drop one", () => {
  const statuses = Object.fromEntries(Object.entries(ERROR_TABLE).map(([code, row]) => [code, row.status]));
  expect(statuses).toMatchInlineSnapshot(`
    {
      "auction_never_cleared": 409,
      "auction_not_cleared": 409,
      "body_too_large": 413,
      "budget_exceeded": 402,
      "calibration_expired": 409,
      "calibration_not_found": 404,
      "cost_limit_too_low": 400,
      "delivery_not_found": 404,
      "file_not_found": 404,
      "forbidden": 403,
      "idempotency_conflict": 409,
      "idempotent_secret_sealed": 409,
      "internal": 500,
      "invalid_body": 400,
      "invalid_json": 400,
      "invalid_parameter": 400,
      "key_inactive": 409,
      "key_not_found": 404,
      "method_not_allowed": 405,
      "no_agents_left": 409,
      "no_mean_weights": 409,
      "not_waiting": 409,
      "offer_not_acceptable": 409,
      "outcome_settled": 409,
      "policy_changed": 412,
      "policy_version_not_found": 404,
      "queue_full": 429,
      "quote_accepted": 409,
      "quote_closed": 409,
      "quote_expired": 409,
      "quote_not_found": 404,
      "quote_not_ready": 409,
      "rate_limited": 429,
      "receipt_key_not_found": 404,
      "route_not_found": 404,
      "stuck_not_found": 404,
      "stuck_not_redrivable": 409,
      "stuck_settled": 409,
      "task_not_found": 404,
      "tenant_has_open_tasks": 409,
      "tenant_not_found": 404,
      "tenant_suspended": 403,
      "too_many_keys": 409,
      "too_many_tools": 409,
      "too_many_webhooks": 409,
      "tool_name_taken": 409,
      "tool_not_found": 404,
      "unauthenticated": 401,
      "unavailable": 503,
      "unknown_offer": 400,
      "unknown_policy": 400,
      "unknown_tool": 400,
      "unsupported_media_type": 415,
      "webhook_disabled": 409,
      "webhook_not_found": 404,
    }
  `);
});

test.each<[string, ErrorRow]>(Object.entries(ERROR_TABLE))("%s reads as an error of the API", (code, row) => {
  expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
  expect(row.message).toMatch(/^[A-Z].*\.$/);
  // The same request can only succeed later where the fault was not in it: it came too early, while others hold the
  // money, or to a house in trouble.
  const mayPass = ["auction_not_cleared", "budget_exceeded", "quote_not_ready"].includes(code);
  expect(row.retryable).toBe(row.status >= 500 || row.status === 429 || mayPass);
});
