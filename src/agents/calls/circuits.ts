/**
 * The circuits of an isolate, one for each model at an endpoint as one key is known there.
 *
 * Not one for all of an endpoint: where many models live behind one address, one that is down would take along the very
 * bidder that could go on in its place; and limits of rate are a model's and a key's. Only in memory, and without timers.
 */
import type { Agent } from "../../market/agent.ts";
import type { CallFailure } from "../../market/call.ts";
import type { Answer } from "../model-port.ts";
import { admit, hear, NEW_CIRCUIT, type Circuit, type Heard } from "./circuit.ts";

/** The oldest ones are forgotten beyond so many: they begin closed. */
const KEPT_CIRCUITS = 256;

/** Ours: a model that had less time than this to answer has not failed. Deadlines are tenants' to set. */
const FAIR_WAIT_MS = 10_000;

/** As the log is told: once for each change. */
export interface CircuitChange {
  readonly provider: string;
  readonly model: string;
  readonly state: Circuit["kind"];
  /** Of one that opens. */
  readonly pauseMs: number | null;
}

interface EndedAnswer {
  readonly answer: Answer<unknown>;
  /** Its caller ended it while the model was writing. */
  readonly wasCutInAnswer: boolean;
}

export class Circuits {
  readonly #now: () => number;
  readonly #changed: (change: CircuitChange) => void;
  readonly #circuits = new Map<string, Circuit>();

  constructor(now: () => number, changed: (change: CircuitChange) => void) {
    this.#now = now;
    this.#changed = changed;
  }

  /** Why the model behind this name is not to be asked now; null: it is. */
  refusal(name: string, agent: Agent): CallFailure | null {
    const before = this.#circuits.get(name) ?? NEW_CIRCUIT;
    const { circuit, waitMs } = admit(before, this.#now());
    this.#keep(name, agent, { before, after: circuit });
    if (waitMs === null) return null;
    const message = `not asked: it has failed again and again, and is left alone for ${waitMs} ms more`;
    const mayPass = circuit.kind === "trying";
    return { reason: "circuit_open", message, retryAfterMs: waitMs, ...(mayPass && { mayPass }) };
  }

  /** What came of a call that was made. */
  tell(name: string, agent: Agent, ended: EndedAnswer): void {
    const before = this.#circuits.get(name) ?? NEW_CIRCUIT;
    this.#keep(name, agent, { before, after: hear(before, heardOf(ended), this.#now()) });
  }

  #keep(name: string, agent: Agent, of: { readonly before: Circuit; readonly after: Circuit }): void {
    const { before, after } = of;
    if (before === after) return;
    this.#circuits.delete(name);
    if (after !== NEW_CIRCUIT) this.#circuits.set(name, after);
    const [oldest] = this.#circuits.keys();
    if (oldest !== undefined && this.#circuits.size > KEPT_CIRCUITS) this.#circuits.delete(oldest);
    if (
      before.kind === after.kind ||
      (before.kind === "trying" && after.kind === "open" && after.pauses === before.pauses)
    )
      return;
    const { provider, model } = agent;
    const pauseMs = after.kind === "open" ? after.untilMs - this.#now() : null;
    this.#changed({ provider, model, state: after.kind, pauseMs });
  }
}

/** An answer of whatever kind is a sign of life; a request that was refused as such says nothing of others. */
function heardOf({ answer, wasCutInAnswer }: EndedAnswer): Heard {
  if (answer.ok) return "answer";
  const { reason, mayPass = false } = answer.failure;
  switch (reason) {
    case "empty":
    case "too_long":
    case "malformed":
    case "misconfigured":
      return "answer";
    case "rate_limited":
    case "unreachable":
      return "failure";
    case "provider_error":
      return mayPass ? "failure" : "nothing";
    case "timeout":
      // A model that was still writing answers, and its time was too short.
      if (wasCutInAnswer) return "answer";
      return answer.ms >= FAIR_WAIT_MS ? "failure" : "nothing";
    case "cancelled":
    case "context_refused":
    case "unaffordable":
    case "circuit_open":
      return "nothing";
  }
}
