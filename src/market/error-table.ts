/**
 * The one error table: code → HTTP status, public message, whether the same request may succeed later.
 *
 * Read by the router and the docs. Nothing that is not in here leaves the house; a bug is `internal`.
 */
export interface ErrorRow {
  readonly status: number;
  readonly message: string;
  readonly retryable: boolean;
}

export const ERROR_TABLE = {
  invalid_json: { status: 400, message: "The body is not valid JSON.", retryable: false },
  invalid_body: {
    status: 400,
    message: "The body does not fit this call; `issues` names each field.",
    retryable: false,
  },
  invalid_parameter: {
    status: 400,
    message: "A path, query or header parameter is not of its form; `issues` names it.",
    retryable: false,
  },
  unknown_policy: {
    status: 400,
    message: "There is no such policy in this pool; `issues` says what is wrong and what is accepted.",
    retryable: false,
  },
  unknown_tool: {
    status: 400,
    message: "There is no such tool for this tenant; `issues` says which is meant and which are accepted.",
    retryable: false,
  },
  unknown_offer: {
    status: 400,
    message: "This agent has no bid in the quote; `issues` says whose may be accepted.",
    retryable: false,
  },
  unsupported_media_type: { status: 415, message: "Send the body as application/json.", retryable: false },
  unauthenticated: {
    status: 401,
    message: "Send `Authorization: Bearer sr_…` with a key of this market.",
    retryable: false,
  },
  budget_exceeded: {
    status: 402,
    message:
      "What may be spent does not take it, and nothing was; `details` says which limit, what was asked and what is left.",
    retryable: true,
  },
  cost_limit_too_low: {
    status: 400,
    message:
      "The task's `limits.maxCostUsd` is below what bidding and judging may cost; `details` says how much that is, and nothing was spent.",
    retryable: false,
  },
  forbidden: { status: 403, message: "This key may not do that.", retryable: false },
  tenant_suspended: {
    status: 403,
    message: "This tenant is suspended: it is read, and what runs goes on, but nothing new is taken.",
    retryable: false,
  },
  rate_limited: {
    status: 429,
    message: "Too many requests; `Retry-After` says when the next one is taken, `RateLimit` what is left.",
    retryable: true,
  },
  queue_full: {
    status: 429,
    message: "As many tasks wait as may, and nothing was begun; try again after `Retry-After` seconds.",
    retryable: true,
  },
  task_not_found: { status: 404, message: "There is no such task.", retryable: false },
  file_not_found: { status: 404, message: "This task has no such file.", retryable: false },
  tenant_not_found: { status: 404, message: "There is no such tenant.", retryable: false },
  key_not_found: { status: 404, message: "This tenant has no such key.", retryable: false },
  calibration_not_found: {
    status: 404,
    message: "This tenant has no such calibration.",
    retryable: false,
  },
  quote_not_found: { status: 404, message: "There is no such quote.", retryable: false },
  tool_not_found: { status: 404, message: "This tenant has no such tool.", retryable: false },
  webhook_not_found: { status: 404, message: "This tenant has no such webhook.", retryable: false },
  delivery_not_found: { status: 404, message: "This webhook has no such delivery.", retryable: false },
  stuck_not_found: { status: 404, message: "There is nothing stuck by this id.", retryable: false },
  stuck_not_redrivable: {
    status: 409,
    message: "There is nothing that could go on: no task belongs to it, or its task is not kept any more.",
    retryable: false,
  },
  stuck_settled: {
    status: 409,
    message: "This was redriven or dismissed before, or is not kept any more.",
    retryable: false,
  },
  policy_version_not_found: {
    status: 404,
    message: "This tenant's policy has no such version, or it is not kept any more.",
    retryable: false,
  },
  policy_changed: {
    status: 412,
    message: "The policy is not in the version that `If-Match` names; `details` says in which it is.",
    retryable: false,
  },
  no_agents_left: {
    status: 409,
    message: "This tenant's policy leaves every agent out; `issues` says of each why.",
    retryable: false,
  },
  route_not_found: { status: 404, message: "There is nothing at this path.", retryable: false },
  method_not_allowed: {
    status: 405,
    message: "This path does not take this method; `Allow` lists those that it takes.",
    retryable: false,
  },
  receipt_key_not_found: {
    status: 404,
    message: "This deployment signs no receipts.",
    retryable: false,
  },
  auction_not_cleared: {
    status: 409,
    message: "The auction of this task has not cleared yet; there is no receipt.",
    retryable: true,
  },
  auction_never_cleared: {
    status: 409,
    message: "This task ended before its auction cleared; there is no receipt.",
    retryable: false,
  },
  calibration_expired: {
    status: 409,
    message: "This quote has run out; ask for a new one.",
    retryable: false,
  },
  quote_not_ready: {
    status: 409,
    message: "The auction of this quote has not cleared yet.",
    retryable: true,
  },
  quote_expired: {
    status: 409,
    message: "This quote has run out; ask for a new one.",
    retryable: false,
  },
  quote_closed: {
    status: 409,
    message: "This quote ended without a bid that was accepted; ask for a new one.",
    retryable: false,
  },
  quote_accepted: {
    status: 409,
    message: "Another bid of this quote was accepted; `details` says whose.",
    retryable: false,
  },
  offer_not_acceptable: {
    status: 409,
    message: "A limit of the task stands against this bid; `issues` says which, and what it needs.",
    retryable: false,
  },
  not_waiting: {
    status: 409,
    message: "This task does not wait for an outcome now.",
    retryable: false,
  },
  outcome_settled: {
    status: 409,
    message: "Another outcome stands for this attempt; `details` says which.",
    retryable: false,
  },
  idempotency_conflict: {
    status: 409,
    message: "This Idempotency-Key was used for another request: another route, id or body.",
    retryable: false,
  },
  idempotent_secret_sealed: {
    status: 409,
    message:
      "What was made under this Idempotency-Key stands, and only the credential that it was made with is shown its secret again.",
    retryable: false,
  },
  too_many_keys: {
    status: 409,
    message: "This tenant has as many keys that have not ended as it may have; revoke some first.",
    retryable: false,
  },
  too_many_tools: {
    status: 409,
    message: "This tenant has as many tools as it may have; remove some first.",
    retryable: false,
  },
  tool_name_taken: {
    status: 409,
    message: "This tenant has a tool of this name; change that one, or take another name.",
    retryable: false,
  },
  key_inactive: {
    status: 409,
    message: "This key is expired or revoked; make a new one instead.",
    retryable: false,
  },
  tenant_has_open_tasks: {
    status: 409,
    message: "This tenant has open tasks; `details` counts them, and `?force=true` cancels them.",
    retryable: false,
  },
  too_many_webhooks: {
    status: 409,
    message: "This tenant has as many webhooks as it may have; delete one first.",
    retryable: false,
  },
  webhook_disabled: {
    status: 409,
    message: "This webhook is disabled: nothing is sent to it until it is enabled again.",
    retryable: false,
  },
  no_mean_weights: {
    status: 409,
    message:
      "This tenant has no weights fitted to the mean; its operator makes them with `npm run fit -- --tenant T --aggregation mean --store`.",
    retryable: false,
  },
  body_too_large: { status: 413, message: "The body is larger than this call takes.", retryable: false },
  internal: {
    status: 500,
    message: "Something failed here; the request id finds it in our logs.",
    retryable: true,
  },
  unavailable: {
    status: 503,
    message: "A part of the house does not answer now; try again.",
    retryable: true,
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;
