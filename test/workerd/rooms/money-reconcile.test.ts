/** Whatever is changed behind the ledger's back is named when the books are computed again. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { newId, type AgentId } from "../../../src/market/ids.ts";
import { reconcile } from "../../../src/market/ledger/reconcile.ts";
import { asMicros, callCost } from "../../../src/market/money.ts";
import type { SpentCall } from "../../../src/market/report.ts";
import type { BooksAnswers, BooksQuery } from "../../../src/tenancy/books.ts";
import { USAGE } from "../../support/scripted-models.ts";
import { CHEAP, config, DEAR, openMarket, POOL, useStoppedClock, type MarketDay } from "./market-day.ts";

useStoppedClock();

async function driftsOf({ market }: MarketDay): Promise<string[]> {
  const read = async <K extends BooksQuery["kind"]>(query: Extract<BooksQuery, { readonly kind: K }>) =>
    (await market.readBooks(query)) as BooksAnswers[K];
  const calls = await read({ kind: "calls", after: "", limit: 1_000 });
  const transfers = await read({ kind: "transfers", after: 0, limit: 1_000 });
  const sums = await read({ kind: "sums" });
  return reconcile({ calls, transfers, sums }).drifts.map(({ what }) => what);
}

function aCall(agentId: AgentId, fields: Partial<SpentCall> = {}): SpentCall {
  const prices = POOL.find(({ id }) => id === agentId)?.prices;
  if (prices === undefined) throw new Error("no such agent");
  return {
    callId: newId("cal", config.source),
    kind: "jury",
    agentId,
    attempt: 0,
    status: "billed",
    micros: callCost(USAGE, prices),
    boundMicros: asMicros(4_600),
    payer: "tenant",
    usage: USAGE,
    prices,
    endedAtMs: Date.now(),
    ...fields,
  };
}

/** Two tasks; calls that the tenant paid, that passed their bound, that were lost, and that nobody confirmed. */
async function booked() {
  const day = await openMarket();
  const { taskId } = await day.admit();
  const other = await day.admit();
  const unknown = { status: "unconfirmed", usage: null, micros: asMicros(4_600) } as const;
  const { prices: _none, ...unconfirmed } = aCall(CHEAP, unknown);
  const paid = aCall(DEAR);
  const lost = aCall(CHEAP, { payer: "lost" });
  await day.market.spent(taskId, [paid, aCall(DEAR, { boundMicros: asMicros(4_000) }), lost, unconfirmed]);
  await day.market.spent(other.taskId, [aCall(CHEAP)]);
  return {
    day,
    taskId,
    other: other.taskId,
    paid: paid.callId,
    lost: lost.callId,
    unconfirmed: unconfirmed.callId,
  };
}

type Booked = Awaited<ReturnType<typeof booked>>;

test("nothing drifts as long as nobody has changed anything", async () => {
  expect(await driftsOf((await booked()).day)).toEqual([]);
});

const ofCall =
  (change: string, of: "paid" | "lost" | "unconfirmed" = "paid") =>
  (books: Booked) =>
    `UPDATE calls SET ${change} WHERE call_id = '${books[of]}'`;
const usage = (change: string) => () => `UPDATE usage SET ${change} WHERE agent_id = '${DEAR}'`;

test.each<[string, (books: Booked) => string, (books: Booked) => string]>([
  ["what a call was charged", ofCall("charged = charged - 1"), ({ paid }) => `call ${paid} owed`],
  ["its overrun", ofCall("overrun = 1"), ({ paid }) => `call ${paid} owed`],
  ["its usage", ofCall("usage = json_set(usage, '$.outputTokens', 201)"), ({ paid }) => `call ${paid} owed`],
  [
    "its price row",
    ofCall("price = (SELECT price FROM calls WHERE agent_id = 'agt_cheap' AND price > 0)"),
    ({ paid }) => `call ${paid} owed`,
  ],
  ["its bound, lowered", ofCall("bound_micros = 1"), ({ paid }) => `call ${paid} charged beyond its bound`],
  ["its payer", ofCall("payer = 'lost'"), ({ paid }) => `call ${paid} charged though it was lost`],
  [
    "the payer of a lost one",
    ofCall("payer = 'tenant'", "lost"),
    ({ lost }) => `call ${lost} lost though its tenant pays`,
  ],
  [
    "its task",
    (books) => `UPDATE calls SET task_id = '${books.other}' WHERE call_id = '${books.paid}'`,
    ({ paid, other }) => `call ${paid} of ${other} held`,
  ],
  ["its key", ofCall("key_id = ''"), () => "usage 2033-05-18  agt_dear jury calls"],
  ["its day", ofCall("day = '2033-05-17'"), () => "spending tenant 2033-05-17"],
  ["its agent", ofCall("agent_id = 'agt_cheap'"), () => "charged"],
  ["its kind", ofCall("kind = 'bid'"), () => "jury calls"],
  [
    "the status of an unconfirmed one",
    ofCall("status = 'refused'", "unconfirmed"),
    ({ unconfirmed }) => `call ${unconfirmed} owed`,
  ],
  [
    "a call that is gone",
    ({ paid }) => `DELETE FROM calls WHERE call_id = '${paid}'`,
    ({ paid }) => `call ${paid}`,
  ],
  [
    "a transfer's amount",
    () =>
      "UPDATE transfers SET micros = micros + 1 WHERE kind = 'charge' AND id = (SELECT max(id) FROM transfers WHERE kind = 'charge')",
    () => "call",
  ],
  [
    "a transfer's task",
    ({ taskId }) => `UPDATE transfers SET task_id = 'tsk_none' WHERE kind = 'hold' AND task_id = '${taskId}'`,
    ({ taskId }) => `account ${taskId} held`,
  ],
  [
    "a transfer that is gone",
    ({ paid }) => `DELETE FROM transfers WHERE call_id = '${paid}'`,
    ({ paid }) => `call ${paid}`,
  ],
  [
    "what is held for a task",
    ({ taskId }) => `UPDATE accounts SET held = held + 1 WHERE task_id = '${taskId}'`,
    ({ taskId }) => `account ${taskId} held`,
  ],
  [
    "what a task was charged",
    ({ taskId }) => `UPDATE accounts SET charged = charged + 1 WHERE task_id = '${taskId}'`,
    ({ taskId }) => `account ${taskId} charged`,
  ],
  [
    "whose key's an account is",
    ({ taskId }) => `UPDATE accounts SET key_id = '' WHERE task_id = '${taskId}'`,
    () => "held",
  ],
  [
    "what is held in all",
    () => "UPDATE spending SET micros = micros + 1 WHERE scope = 'tenant' AND time = 'held'",
    () => "spending tenant held",
  ],
  [
    "what a day was charged",
    () => "UPDATE spending SET micros = micros - 1 WHERE scope = 'tenant' AND time = '2033-05-18'",
    () => "spending tenant 2033-05-18",
  ],
  [
    "what a key was charged",
    () => "UPDATE spending SET micros = micros - 1 WHERE scope <> 'tenant' AND time <> 'held'",
    () => "2033-05-18",
  ],
  ["calls of a day", usage("calls = calls + 1"), () => "calls"],
  ["their charges", usage("charged = charged + 1"), () => "charged"],
  ["what the house paid", usage("house = house + 1"), () => "house"],
  ["unconfirmed ones", usage("unconfirmed = unconfirmed + 1"), () => "unconfirmed"],
  ["their input", usage("input = input + 1"), () => "input"],
  ["their cached input", usage("cached = cached + 1"), () => "cached"],
  ["their output", usage("output = output + 1"), () => "output"],
])("%s", async (_, change, named) => {
  const books = await booked();
  await runInDurableObject(books.day.market as DurableObjectStub, async (_room, { storage }) => {
    expect(storage.sql.exec(change(books)).rowsWritten).toBeGreaterThan(0);
  });
  const drifts = await driftsOf(books.day);
  expect(drifts.filter((what) => what.includes(named(books)))).not.toEqual([]);
});
