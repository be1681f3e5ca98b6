/**
 * The books computed again: from what providers reported and the price rows to every sum that stands beside the ledger.
 * Pure; whatever differs is named.
 */
import type { CallBill, CallKind } from "../call.ts";
import type { AgentId, CallId, KeyId, TaskId } from "../ids.ts";
import { asMicros, callCost, type Micros, type Prices, type TokenUsage } from "../money.ts";
import type { Payer } from "./charge.ts";
import { addTransfer, NO_BALANCES, sumOfAccounts, type Balances, type Transfer } from "./transfer.ts";

/** A call as the books have it. */
export interface CallLine {
  readonly callId: CallId;
  readonly taskId: TaskId;
  /** Null: its task was nobody's key's, or is from before keys were noted. */
  readonly keyId: KeyId | null;
  /** UTC. */
  readonly day: string;
  /** Null: the call was no agent's. */
  readonly agentId: AgentId | null;
  readonly kind: CallKind;
  readonly attempt: number;
  readonly status: CallBill["status"];
  readonly payer: Payer;
  readonly boundMicros: Micros;
  readonly chargedMicros: Micros;
  readonly overrunMicros: Micros;
  readonly lostMicros: Micros;
  readonly usage: TokenUsage | null;
  /** The price row that the bill was computed by; null where there is none. */
  readonly prices: Prices | null;
  readonly endedAtMs: number;
}

export interface TransferLine extends Transfer {
  readonly id: number;
  readonly atMs: number;
}

/** The sums that stand beside the ledger, as stored. */
export interface BookSums {
  readonly accounts: readonly {
    readonly taskId: TaskId;
    readonly keyId: KeyId | null;
    readonly heldMicros: number;
    readonly chargedMicros: number;
  }[];
  /** `scope`: `tenant` or a key; `time`: `held`, or a day. */
  readonly spending: readonly { readonly scope: string; readonly time: string; readonly micros: number }[];
  readonly usage: readonly UsageLine[];
}

/** What a tenant spent on the calls of one day, key, agent and kind; money in micro-USD. */
export interface UsageLine {
  /** UTC. */
  readonly day: string;
  /** Null: the tasks were nobody's key's, or from before keys were noted. */
  readonly keyId: KeyId | null;
  /** Null: the calls were no agent's. */
  readonly agentId: AgentId | null;
  readonly kind: CallKind;
  readonly calls: number;
  /** Of them, calls whose usage never came: they count at their bound, and their tokens not at all. */
  readonly unconfirmed: number;
  readonly inputTokens: number;
  /** Of them, read from the provider's cache. */
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly chargedMicros: Micros;
  /** What the house paid in the tenant's place. */
  readonly houseMicros: Micros;
}

export interface Books {
  readonly calls: readonly CallLine[];
  readonly transfers: readonly TransferLine[];
  readonly sums: BookSums;
}

/** A figure that is not what it should be, in micro-USD (or calls, or tokens). */
export interface Drift {
  /** Such as `call cal_… owed`, `call cal_… of tsk_… held`, `account tsk_… held`, `spending tenant 2026-11-27`. */
  readonly what: string;
  readonly expected: number;
  readonly found: number;
}

export interface Reconciliation {
  readonly calls: number;
  readonly transfers: number;
  readonly balances: Balances;
  /** Billed calls from before price rows were kept: their bills cannot be computed again. */
  readonly withoutPrices: number;
  readonly drifts: readonly Drift[];
}

export function reconcile({ calls, transfers, sums }: Books): Reconciliation {
  const balances = transfers.reduce<Balances>(addTransfer, NO_BALANCES);
  const drifts = [
    { what: "sum of all accounts", expected: 0, found: sumOfAccounts(balances) },
    ...calls.flatMap(owedDrifts),
    ...callDrifts(calls, transfers),
    ...compare("account", accountSums(transfers), storedAccounts(sums)),
    ...compare("spending", spendingSums({ calls, transfers, sums }), storedSpending(sums)),
    ...compare("usage", usageSums(calls), storedUsage(sums)),
  ].filter(({ expected, found }) => expected !== found);
  const withoutPrices = calls.filter(({ status, prices }) => status === "billed" && prices === null).length;
  return { calls: calls.length, transfers: transfers.length, balances, withoutPrices, drifts };
}

/** What the provider is owed, by its usage and the price row, against what was booked; and nobody pays above a bound. */
function owedDrifts(call: CallLine): Drift[] {
  const { callId, status, usage, prices, boundMicros, chargedMicros, overrunMicros, lostMicros } = call;
  const found = chargedMicros + overrunMicros + lostMicros;
  const beyond = Math.max(0, chargedMicros - boundMicros);
  return [
    { what: `call ${callId} owed`, expected: owed({ status, usage, prices, boundMicros }) ?? found, found },
    { what: `call ${callId} charged beyond its bound`, expected: 0, found: beyond },
    {
      what: `call ${callId} charged though it was lost`,
      expected: 0,
      found: call.payer === "lost" ? chargedMicros : 0,
    },
    {
      what: `call ${callId} lost though its tenant pays`,
      expected: 0,
      found: call.payer === "tenant" ? lostMicros : 0,
    },
  ];
}

function owed({
  status,
  usage,
  prices,
  boundMicros,
}: Pick<CallLine, "status" | "usage" | "prices" | "boundMicros">): number | null {
  if (status === "refused") return 0;
  if (status === "unconfirmed") return boundMicros;
  return usage === null || prices === null ? null : callCost(usage, prices);
}

/** Every call's shares against its transfers, which are its task's. */
function callDrifts(calls: readonly CallLine[], transfers: readonly TransferLine[]): Drift[] {
  const moved = new Sums();
  for (const { callId, taskId, from, to, micros } of transfers) {
    if (callId === null) continue;
    if (to === "providers") moved.add(`${callId} of ${taskId} ${from}`, micros);
    else moved.add(`${callId} of ${taskId} ${to}`, 0 - micros);
  }
  const booked = new Sums();
  for (const { callId, taskId, chargedMicros, overrunMicros, lostMicros } of calls) {
    booked.add(`${callId} of ${taskId} held`, chargedMicros);
    booked.add(`${callId} of ${taskId} overrun`, overrunMicros);
    booked.add(`${callId} of ${taskId} lost`, lostMicros);
  }
  return compare("call", moved, booked);
}

/** Named sums; what is not named is 0. */
class Sums {
  readonly #sums = new Map<string, number>();

  add(name: string, amount: number): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + amount);
  }

  get(name: string): number {
    return this.#sums.get(name) ?? 0;
  }

  names(): Iterable<string> {
    return this.#sums.keys();
  }
}

function compare(what: string, expected: Sums, found: Sums): Drift[] {
  const names = new Set([...expected.names(), ...found.names()]);
  return [...names].map((name) => ({
    what: `${what} ${name}`,
    expected: expected.get(name),
    found: found.get(name),
  }));
}

function accountSums(transfers: readonly TransferLine[]): Sums {
  const sums = new Sums();
  for (const { taskId, from, to, micros } of transfers) {
    if (from === "held") sums.add(`${taskId} held`, 0 - micros);
    if (to === "held") sums.add(`${taskId} held`, micros);
    if (from === "held" && to === "providers") sums.add(`${taskId} charged`, micros);
    if (from === "providers" && to === "held") sums.add(`${taskId} charged`, 0 - micros);
  }
  return sums;
}

function storedAccounts({ accounts }: BookSums): Sums {
  const sums = new Sums();
  for (const { taskId, heldMicros, chargedMicros } of accounts) {
    sums.add(`${taskId} held`, heldMicros);
    sums.add(`${taskId} charged`, chargedMicros);
  }
  return sums;
}

function spendingSums({ calls, transfers, sums: { accounts } }: Books): Sums {
  const sums = new Sums();
  const keys = new Map(accounts.map(({ taskId, keyId }) => [taskId, keyId]));
  for (const { keyId, day, chargedMicros } of calls) {
    for (const scope of keyId === null ? ["tenant"] : ["tenant", keyId]) {
      sums.add(`${scope} ${day}`, chargedMicros);
    }
  }
  for (const { taskId, from, to, micros } of transfers) {
    const held = (to === "held" ? micros : 0) - (from === "held" ? micros : 0);
    sums.add("tenant held", held);
    const keyId = keys.get(taskId);
    if (keyId != null) sums.add(`${keyId} held`, held);
  }
  return sums;
}

function storedSpending({ spending }: BookSums): Sums {
  const sums = new Sums();
  for (const { scope, time, micros } of spending) sums.add(`${scope} ${time}`, micros);
  return sums;
}

function usageSums(calls: readonly CallLine[]): Sums {
  const sums = new Sums();
  for (const { day, keyId, agentId, kind, status, usage, ...call } of calls) {
    addUsageLine(sums, {
      day,
      keyId,
      agentId,
      kind,
      calls: 1,
      unconfirmed: status === "unconfirmed" ? 1 : 0,
      inputTokens: usage?.inputTokens ?? 0,
      cachedInputTokens: usage?.cachedInputTokens ?? 0,
      outputTokens: usage?.outputTokens ?? 0,
      chargedMicros: call.chargedMicros,
      houseMicros: asMicros(call.overrunMicros + call.lostMicros),
    });
  }
  return sums;
}

function storedUsage({ usage }: BookSums): Sums {
  const sums = new Sums();
  for (const line of usage) addUsageLine(sums, line);
  return sums;
}

function addUsageLine(sums: Sums, { day, keyId, agentId, kind, ...figures }: UsageLine): void {
  const name = [day, keyId ?? "", agentId ?? "", kind].join(" ");
  sums.add(`${name} calls`, figures.calls);
  sums.add(`${name} unconfirmed`, figures.unconfirmed);
  sums.add(`${name} input`, figures.inputTokens);
  sums.add(`${name} cached`, figures.cachedInputTokens);
  sums.add(`${name} output`, figures.outputTokens);
  sums.add(`${name} charged`, figures.chargedMicros);
  sums.add(`${name} house`, figures.houseMicros);
}
