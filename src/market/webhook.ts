/** A tenant's webhook endpoints: what they hear of, and the secrets that what they hear is signed with. Pure. */
import type { WebhookId } from "./ids.ts";
import { FINAL_STATES, type FinalState } from "./task.ts";

export type TaskEventType = `task.${FinalState}`;
/** One for each final state. */
export const TASK_EVENT_TYPES = FINAL_STATES.map((state): TaskEventType => `task.${state}`);
/** Sent on request, whatever the endpoint has chosen. */
export const TEST_EVENT_TYPE = "webhook.test";
export type WebhookEventType = TaskEventType | typeof TEST_EVENT_TYPE;

export const MAX_WEBHOOKS = 10;
export const MAX_URL_CHARS = 2_048;
export const MAX_DESCRIPTION_CHARS = 200;
/** Secrets that sign side by side: the newest, and those that it took over from within their overlap. */
const MAX_SECRETS = 3;

export interface WebhookSecret {
  /** `whsec_` and base64, as Standard Webhooks has it. */
  readonly secret: string;
  /** Null: until it is rotated. */
  readonly untilMs: number | null;
}

export interface Webhook {
  readonly webhookId: WebhookId;
  readonly url: string;
  readonly description: string;
  /** Null: every one, also those that come to be later. */
  readonly events: readonly TaskEventType[] | null;
  /** Null: it is sent to. `asked`: its tenant switched it off; `gone`: it answered 410. */
  readonly disabled: { readonly reason: "asked" | "gone"; readonly atMs: number } | null;
  /** Newest first. */
  readonly secrets: readonly WebhookSecret[];
  readonly createdAtMs: number;
}

export function hears({ disabled, events }: Webhook, type: TaskEventType): boolean {
  return disabled === null && (events === null || events.includes(type));
}

/** The endpoint under a new secret; the newest so far goes on until then, older ones as long as they would have. */
export function rotateSecret<Signed extends Pick<Webhook, "secrets">>(
  signed: Signed,
  secret: string,
  times: RotationTimes,
): Signed {
  const older = signed.secrets.map((one) => ({ ...one, untilMs: one.untilMs ?? times.untilMs }));
  const standing = older.filter(({ untilMs }) => untilMs > times.nowMs);
  return { ...signed, secrets: [{ secret, untilMs: null }, ...standing].slice(0, MAX_SECRETS) };
}

export interface RotationTimes {
  readonly nowMs: number;
  /** When the secret that is replaced signs for the last time. */
  readonly untilMs: number;
}

/** Those that sign at this moment, newest first. */
export function signingSecrets({ secrets }: Pick<Webhook, "secrets">, nowMs: number): string[] {
  return secrets.filter(({ untilMs }) => untilMs === null || untilMs > nowMs).map(({ secret }) => secret);
}
