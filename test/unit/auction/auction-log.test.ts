/** The holder's log: what is written together, in which order, and what a refusal or a failure does. */
import { describe, expect, test } from "vitest";
import { AuctionLog } from "../../../src/auction/auction-log.ts";
import { AuctionAborted } from "../../../src/auction/auction-run.ts";
import type { AuctionCommit } from "../../../src/market/auction-commit.ts";
import type { DeskAnswer } from "../../../src/taskroom/task-room-api.ts";
import type { HeartbeatAbort } from "../../../src/auction/heartbeat.ts";
import { aBid, aCommit, agentId } from "../../support/builders.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";

const ids = { now: () => 1, random: () => 0.5 };
const started = (name: string) => ({
  callId: newId("cal", ids),
  kind: "bid" as const,
  agentId: agentId(name),
  boundMicros: asMicros(1),
});
const bidOf = (name: string) => {
  const bid = aBid({ agentId: agentId(name) });
  return { call: { callId: newId("cal", ids), bill: { status: "refused" } as const, ms: 1 }, bid };
};

/** A room whose writes end when the test says so. */
function room() {
  const writes: { readonly commit: AuctionCommit; readonly answer: PromiseWithResolvers<DeskAnswer> }[] = [];
  const refusals: HeartbeatAbort[] = [];
  const waits: number[] = [];
  const log = new AuctionLog({
    write: async (commit) => {
      const answer = Promise.withResolvers<DeskAnswer>();
      writes.push({ commit, answer });
      return answer.promise;
    },
    refused: (abort) => refusals.push(abort),
    wait: async (ms) => void waits.push(ms),
  });
  return { log, writes, refusals, waits };
}

const turn = async () => new Promise<void>((resolve) => void setTimeout(resolve, 2));

describe("the auction's log", () => {
  test("writes what comes up at one moment in one commit, in the order in which it came", async () => {
    const { log, writes } = room();
    const all = [log.commit({ bids: [bidOf("a")] }), log.commit({ started: [started("b"), started("c")] })];
    await turn();
    expect(writes).toHaveLength(1);
    expect(writes[0]?.commit.bids.map(({ bid }) => bid.agentId)).toEqual([agentId("a")]);
    expect(writes[0]?.commit.started.map((call) => call.agentId)).toEqual([agentId("b"), agentId("c")]);
    writes[0]?.answer.resolve("continue");
    await Promise.all(all);
  });

  test("joins what follows from a part in the same turn, whatever number of promises lies between", async () => {
    const { log, writes } = room();
    void log.commit({ bids: [bidOf("a")] });
    void Promise.all([Promise.resolve(), Promise.resolve()])
      .then(() => undefined)
      .then(async () => log.commit({ started: [started("b")] }));
    await turn();
    expect(writes).toHaveLength(1);
    expect(writes[0]?.commit.started).toHaveLength(1);
  });

  test("gathers what comes while a commit is under way, and writes one commit at a time", async () => {
    const { log, writes } = room();
    void log.commit({ bids: [bidOf("a")] });
    await turn();
    void log.commit({ bids: [bidOf("b")] });
    await turn();
    void log.commit({ bids: [bidOf("c")] });
    await turn();
    expect(writes).toHaveLength(1);
    writes[0]?.answer.resolve("continue");
    await turn();
    expect(writes[1]?.commit.bids.map(({ bid }) => bid.agentId)).toEqual([agentId("b"), agentId("c")]);
  });

  test.each(["stop", "lost"] as const)(
    "tells at once of %s, and rejects what was in that commit",
    async (answer) => {
      const { log, writes, refusals } = room();
      const part = log.commit({ bids: [bidOf("a")] });
      await turn();
      writes[0]?.answer.resolve(answer);
      await expect(part).rejects.toEqual(new AuctionAborted(answer));
      expect(refusals).toEqual([answer]);
    },
  );

  test("tries a commit again that got no answer: the room restarts, or did write it", async () => {
    const { log, writes, waits } = room();
    const part = log.commit({ bids: [bidOf("a")] });
    await turn();
    writes[0]?.answer.reject(new Error("room restarts"));
    await turn();
    expect(writes[1]?.commit).toEqual(writes[0]?.commit);
    expect(waits).toEqual([50]);
    writes[1]?.answer.resolve("continue");
    await part;
  });

  test("after a commit that failed for good writes bills only, and ends the run", async () => {
    const { log, writes, refusals, waits } = room();
    const failing = log.commit({ bids: [bidOf("a")] });
    const outcome = failing.catch((error: unknown) => String(error));
    for (let tried = 0; tried < 4; tried += 1) {
      await turn();
      writes[tried]?.answer.reject(new Error("room gone"));
    }
    expect(await outcome).toContain("room gone");
    expect(waits).toEqual([50, 250, 1_000]);
    expect(refusals).toEqual(["lost"]);
    const late = bidOf("b");
    const after = log
      .commit({ bids: [late], started: [started("c")] })
      .catch((error: unknown) => String(error));
    await turn();
    // What they brought is not recorded, and whoever goes on asks again.
    expect(writes[4]?.commit).toEqual(aCommit({ ended: [{ ...late.call, givenUp: true }] }));
    writes[4]?.answer.resolve("continue");
    expect(await after).toContain("room gone");
  });

  test("records a bill by itself where nothing else is to be recorded", async () => {
    const { log, writes } = room();
    const { call } = bidOf("a");
    log.bill(call);
    await turn();
    expect(writes[0]?.commit).toEqual(aCommit({ ended: [call] }));
  });
});
