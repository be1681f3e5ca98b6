import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { FINAL_STATES } from "../../../src/market/task.ts";
import {
  hears,
  rotateSecret,
  signingSecrets,
  TASK_EVENT_TYPES,
  type Webhook,
} from "../../../src/market/webhook.ts";
import { fixedSource } from "../../support/builders.ts";

const T0 = 1_000;
const aWebhook = (fields: Partial<Webhook> = {}): Webhook => ({
  webhookId: newId("whk", fixedSource()),
  url: "https://hooks.example.com/",
  description: "",
  events: null,
  disabled: null,
  secrets: [{ secret: "whsec_a", untilMs: null }],
  createdAtMs: T0,
  ...fields,
});

test("there is an event for every final state, and an endpoint that chose none hears of all", () => {
  expect(TASK_EVENT_TYPES).toEqual(FINAL_STATES.map((state) => `task.${state}`));
  expect(TASK_EVENT_TYPES.every((type) => hears(aWebhook(), type))).toBe(true);
});

test("an endpoint hears what it chose, and nothing once it is disabled", () => {
  const choosy = aWebhook({ events: ["task.failed"] });
  expect(TASK_EVENT_TYPES.filter((type) => hears(choosy, type))).toEqual(["task.failed"]);
  const off = aWebhook({ disabled: { reason: "asked", atMs: T0 } });
  expect(TASK_EVENT_TYPES.filter((type) => hears(off, type))).toEqual([]);
});

describe("a rotation", () => {
  test("has both secrets sign for the overlap, the newest first", () => {
    const rotated = rotateSecret(aWebhook(), "whsec_b", { nowMs: T0, untilMs: T0 + 60 });
    expect(signingSecrets(rotated, T0 + 59)).toEqual(["whsec_b", "whsec_a"]);
    expect(signingSecrets(rotated, T0 + 60)).toEqual(["whsec_b"]);
  });

  test("without an overlap ends the old one at once", () => {
    const rotated = rotateSecret(aWebhook(), "whsec_b", { nowMs: T0, untilMs: T0 });
    expect(rotated.secrets).toEqual([{ secret: "whsec_b", untilMs: null }]);
  });

  test("never prolongs an older secret, and at most three sign", () => {
    let webhook = rotateSecret(aWebhook(), "whsec_b", { nowMs: T0, untilMs: T0 + 10 });
    webhook = rotateSecret(webhook, "whsec_c", { nowMs: T0 + 5, untilMs: T0 + 100 });
    expect(signingSecrets(webhook, T0 + 9)).toEqual(["whsec_c", "whsec_b", "whsec_a"]);
    expect(signingSecrets(webhook, T0 + 10)).toEqual(["whsec_c", "whsec_b"]);
    webhook = rotateSecret(webhook, "whsec_d", { nowMs: T0 + 6, untilMs: T0 + 100 });
    expect(signingSecrets(webhook, T0 + 6)).toEqual(["whsec_d", "whsec_c", "whsec_b"]);
  });
});
