/** A market day whose books are looked at: whatever a test is about, they must agree with themselves. */
import { expect } from "vitest";
import type { ModelPort } from "../../../src/agents/model-port.ts";
import type { AuctionMemory } from "../../../src/auction/auction-run.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { Agent } from "../../../src/market/agent.ts";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { NO_BUDGET, type Budget } from "../../../src/market/ledger/budget.ts";
import { addTransfer, NO_BALANCES, sumOfAccounts } from "../../../src/market/ledger/transfer.ts";
import { asMicros, microsToUsd } from "../../../src/market/money.ts";
import { taskSpecSchema, type TaskInput } from "../../../src/market/task.ts";
import type { CallLine, UsageLine } from "../../../src/market/ledger/reconcile.ts";
import type { BooksAnswers, BooksQuery } from "../../../src/tenancy/books.ts";
import type { HoldRefusal } from "../../../src/tenancy/ledger.ts";
import type { AdmitRequest } from "../../../src/tenancy/market-room-api.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  config,
  countingTool,
  KEY_HASH,
  ONE_BID,
  openMarket,
  traceDeps,
  type MarketDay,
} from "./market-day.ts";

export const USE_TOOL: ScriptedStep = { tool: "http", input: { url: "x" } };
export const SUBMIT: ScriptedStep = { tool: "submit", input: { result: "42" } };
/** More steps than any budget here takes. */
export const ENDLESS: readonly ScriptedStep[] = Array.from({ length: 60 }, () => USE_TOOL);

/** 1,000 tokens in at a quarter of the price of output, 200 out, of all three: 45 + 450 + 4,500. */
export const BIDS_MICROS = 4_995;

export function limited(fields: Partial<Record<keyof Budget, number>>): Budget {
  return { ...NO_BUDGET, ...(fields as Partial<Budget>) };
}

export const usd = (micros: number): number => microsToUsd(asMicros(micros));

// --- Books ---

type Day = Pick<MarketDay, "market">;

async function read<K extends BooksQuery["kind"]>(
  { market }: Day,
  query: Extract<BooksQuery, { readonly kind: K }>,
): Promise<BooksAnswers[K]> {
  return (await market.readBooks(query)) as BooksAnswers[K];
}

function sumBy<T>(lines: readonly T[], key: (line: T) => string, micros: (line: T) => number) {
  const sums: Record<string, number> = {};
  for (const line of lines) sums[key(line)] = (sums[key(line)] ?? 0) + micros(line);
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0));
}

const charged = (call: CallLine): number => call.chargedMicros;

/** As they stood at one moment: bills may come between two reads. */
async function readAtOnce(day: Day) {
  for (;;) {
    const before = await read(day, { kind: "sums" });
    const calls = await read(day, { kind: "calls", after: "", limit: 10_000 });
    const transfers = await read(day, { kind: "transfers", after: 0, limit: 10_000 });
    const lines = await read(day, { kind: "usage", from: "2000-01-01", to: "2999-12-31" });
    const { version, accounts, spending } = await read(day, { kind: "sums" });
    if (version === before.version) return { calls, transfers, lines, accounts, spending };
  }
}

/** All that the books hold. Fails unless every sum is that of its transfers, and of its calls. */
export async function booksOf(day: Day) {
  const { calls, transfers, lines, accounts, spending } = await readAtOnce(day);
  // Tools cost nothing, and are no calls of the ledger.
  const usage = lines.filter((one): one is UsageLine => one.kind !== "tool");
  const balances = transfers.reduce(addTransfer, NO_BALANCES);
  const of = (micros: (call: CallLine) => number) => calls.reduce((sum, call) => sum + micros(call), 0);

  expect(sumOfAccounts(balances)).toBe(0);
  expect(balances).toEqual({
    free: 0 - (balances.held + of(charged)),
    held: accounts.reduce((sum, account) => sum + account.heldMicros, 0),
    providers: of((call) => call.chargedMicros + call.overrunMicros + call.lostMicros),
    overrun: 0 - of((call) => call.overrunMicros),
    lost: 0 - of((call) => call.lostMicros),
  });
  expect(
    sumBy(
      accounts,
      (account) => account.taskId,
      (account) => account.chargedMicros,
    ),
  ).toEqual(sumBy(calls, (call) => call.taskId, charged));
  const scopes = calls.flatMap((call) =>
    ["tenant", ...(call.keyId === null ? [] : [call.keyId])].flatMap((scope) => [
      { scope, time: call.day, micros: call.chargedMicros },
    ]),
  );
  const place = ({ scope, time }: { scope: string; time: string }) => `${scope} ${time}`;
  const micros = (line: { micros: number }) => line.micros;
  expect(
    sumBy(
      spending.filter(({ time }) => time !== "held"),
      place,
      micros,
    ),
  ).toEqual(sumBy(scopes, place, micros));
  const held = spending.find(({ scope, time }) => scope === "tenant" && time === "held")?.micros ?? 0;
  expect(held).toBe(balances.held);
  const line = ({ day: on, keyId, agentId, kind }: Pick<CallLine, "day" | "keyId" | "agentId" | "kind">) =>
    [on, keyId, agentId, kind].join(" ");
  expect(sumBy(usage, line, (one) => one.chargedMicros)).toEqual(sumBy(calls, line, charged));
  expect(sumBy(usage, line, (one) => one.houseMicros)).toEqual(
    sumBy(calls, line, (call) => call.overrunMicros + call.lostMicros),
  );
  expect(sumBy(usage, line, (one) => one.calls)).toEqual(sumBy(calls, line, () => 1));
  return { balances, calls, transfers, accounts, chargedMicros: of(charged) };
}

/** What the books say of one task. */
export async function accountOf(day: Day, taskId: TaskId) {
  const books = await booksOf(day);
  const account = books.accounts.find((one) => one.taskId === taskId);
  if (account === undefined) throw new Error(`no account of ${taskId}`);
  return {
    ...account,
    calls: books.calls.filter((call) => call.taskId === taskId),
    holds: books.transfers.flatMap((one) =>
      one.taskId === taskId && one.kind === "hold" ? [one.micros] : [],
    ),
  };
}

/** What is held for the auction of a task. */
export async function plannedMicros(input: Partial<TaskInput> = {}): Promise<number> {
  const day = await openMarket();
  await day.admit(input);
  return (await booksOf(day)).balances.held;
}

// --- Tasks ---

/** Asks for a task, and nothing else is done. */
export async function ask(
  { market }: Day,
  input: Partial<TaskInput> = {},
  request: Partial<AdmitRequest> = {},
) {
  const taskId = newId("tsk", config.source);
  const answer = await market.admit({
    keyHash: KEY_HASH,
    taskId,
    auctionId: newId("auc", config.source),
    seed: 7,
    spec: taskSpecSchema.parse({ prompt: "What is six times seven?", ...input }),
    idempotency: null,
    asksAtOnce: true,
    ...request,
  });
  return { taskId, answer };
}

/** Why it was refused; throws where it was admitted. */
export function refusalOf({ answer }: Awaited<ReturnType<typeof ask>>): HoldRefusal {
  if (answer.ok || answer.failure.reason !== "budget") throw new Error("not refused for its money");
  return answer.failure.refusal;
}

/** Admitted and awarded to the cheap agent, for the price of three bids. */
export async function awardedTask(day: MarketDay, input: Partial<TaskInput> = {}) {
  const { taskId, room, holder } = await day.admit(input);
  await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), holder);
  const { tenantId } = day;
  return {
    taskId,
    room,
    /** Carries its trace out under this generation, as the queue's consumer does. */
    carryOut: async (models: ModelPort, generation = 1) =>
      runSlice(traceDeps(models, { tools: [countingTool()] }), {
        kind: "trace",
        tenantId,
        taskId,
        attempt: 1,
        generation,
      }),
  };
}

/** Runs the auction that the test was given, with the memory that it may have. */
export async function hold(
  models: ModelPort,
  { holder }: Pick<Awaited<ReturnType<MarketDay["admit"]>>, "holder">,
  memory: AuctionMemory | null = null,
): Promise<void> {
  return runAuction(auctionDeps(models, memory), holder);
}

export interface Pricing {
  /** Bound and bill of a step. */
  readonly step?: { readonly bound: number; readonly cost: number };
  readonly juryBound?: (juror: Agent) => number;
  readonly bidBound?: number;
  readonly refineBound?: number;
}

/** Scripted models at other prices; every step says how far it is. */
export function priced(
  models: ScriptedModels,
  { step, juryBound, bidBound, refineBound }: Pricing,
): ModelPort {
  return {
    bid: async (agent, input) => models.bid(agent, input),
    judge: async (agent, input) => models.judge(agent, input),
    rule: async (agent) => models.rule(agent),
    rulingBound: () => models.rulingBound(),
    step: async (agent, request) => {
      const answer = await models.step(agent, request);
      if (!answer.ok || answer.bill.status !== "billed") return answer;
      const bill = step === undefined ? answer.bill : { ...answer.bill, costMicros: asMicros(step.cost) };
      const text = answer.value.text === "" ? `step ${request.history.length + 1}` : answer.value.text;
      return { ...answer, bill, value: { ...answer.value, text } };
    },
    bidBound: (_agent, { refinement }) =>
      asMicros((refinement === null ? bidBound : refineBound) ?? models.bidBound()),
    juryBound: (juror) => (juryBound === undefined ? models.juryBound() : asMicros(juryBound(juror))),
    wrapUpBound: models.wrapUpBound,
    stepBound: () => (step === undefined ? models.stepBound() : asMicros(step.bound)),
  };
}
