/** An entry's way into the index: one writer at a time, the newest version last, and nobody blocked for ever. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BROKEN_WRITE_MS,
  CLAIM_MS,
  claimPassage,
  dueAt,
  endClaim,
  openPassage,
  passageStep,
  REWRITE_MS,
  type Passage,
  type PassageReport,
} from "../../../src/market/passage.ts";

const T = 1_000_000;
const fresh = () => openPassage(null, 1, T);
const reported = (passage: Passage, state: PassageReport["state"], nowMs: number) =>
  endClaim(passage, { claim: passage.claim, version: passage.version, state }, nowMs);
/** Written at T and released. */
const written = () => reported(claimPassage(fresh(), T), "written", T);

describe("an entry on its way", () => {
  test("is due at once, and then nobody's but its holder's until the claim is over", () => {
    expect(dueAt(fresh())).toBe(T);
    expect(passageStep(fresh(), T)).toBe("write");
    expect(dueAt(claimPassage(fresh(), T))).toBe(T + CLAIM_MS);
  });

  test("is looked at after it was written, ever more rarely, and written again when it is lost", () => {
    let passage = written();
    const waits: number[] = [];
    for (let nowMs = T; waits.length < 10;) {
      const due = dueAt(passage) ?? 0;
      waits.push((due - nowMs) / 1_000);
      nowMs = due;
      expect(passageStep(passage, nowMs)).toBe(nowMs - T < REWRITE_MS ? "look" : "rewrite");
      passage = reported(claimPassage(passage, nowMs), "missing", nowMs);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 640, 640]);
  });

  test("is done when it is shown, and due no more", () => {
    const shown = reported(claimPassage(written(), T + 5_000), "shown", T + 6_000);
    expect(shown).toMatchObject({ shownAtMs: T + 6_000, written: 1 });
    expect(dueAt(shown)).toBeNull();
  });

  test("rests after a broken write, which may still arrive, and longer each time", () => {
    let passage = fresh();
    let nowMs = T;
    for (let broken = 1; broken <= 9; broken += 1) {
      passage = reported(claimPassage(passage, nowMs), "broken", nowMs);
      const due = dueAt(passage) ?? 0;
      expect(due - nowMs).toBeGreaterThanOrEqual(BROKEN_WRITE_MS);
      expect(due - nowMs).toBeLessThanOrEqual(640_000);
      expect(passageStep(passage, due)).toBe("write");
      nowMs = due;
    }
  });
});

describe("a version that changes meanwhile", () => {
  test("waits for the write under way, and is then written at once", () => {
    const held = claimPassage(fresh(), T);
    const changed = openPassage(held, 2, T + 1);
    expect(dueAt(changed)).toBe(T + CLAIM_MS);
    const free = endClaim(changed, { claim: held.claim, version: 1, state: "written" }, T + 2);
    expect([dueAt(free), passageStep(free, T + 2)]).toEqual([T + 2, "write"]);
  });

  test("waits for a broken write too", () => {
    const held = claimPassage(fresh(), T);
    const broken = endClaim(held, { claim: held.claim, version: 1, state: "broken" }, T);
    expect(dueAt(openPassage(broken, 2, T + 1))).toBe(T + BROKEN_WRITE_MS);
  });

  test("is not done by the old one being shown", () => {
    const held = claimPassage(written(), T + 5_000);
    const changed = openPassage(held, 2, T + 5_001);
    const seen = endClaim(changed, { claim: held.claim, version: 1, state: "shown" }, T + 5_002);
    expect(seen.shownAtMs).toBeNull();
    expect(passageStep(seen, T + 5_002)).toBe("write");
  });

  test("of an entry that was done makes it due again", () => {
    const shown = reported(claimPassage(written(), T), "shown", T);
    expect(dueAt(openPassage(shown, 2, T + 9))).toBe(T + 9);
  });
});

describe("a holder that is given up", () => {
  test("cannot speak for its successor", () => {
    const dead = claimPassage(fresh(), T);
    const next = claimPassage(dead, T + CLAIM_MS);
    const states = ["shown", "written", "missing", "broken"] as const;
    for (const state of states)
      expect(endClaim(next, { claim: dead.claim, version: 1, state }, T)).toBe(next);
  });

  test("nor for an entry that left and came back", () => {
    const dead = claimPassage(fresh(), T);
    const back = claimPassage(openPassage(null, 2, T + CLAIM_MS), T + CLAIM_MS);
    expect(back.claim).toBeGreaterThan(dead.claim);
  });
});

describe("whatever happens", () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 5_000, 61_000, CLAIM_MS) }),
    fc.record({ kind: fc.constant("change" as const) }),
    fc.record({ kind: fc.constant("claim" as const) }),
    fc.record({
      kind: fc.constant("report" as const),
      // Of the latest holder, or of one before it.
      ago: fc.nat({ max: 2 }),
      state: fc.constantFrom<PassageReport["state"]>("shown", "written", "missing", "broken"),
    }),
  );

  test("nobody else is handed an id while its holder may write, and shown means the newest version", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let nowMs = T;
        let passage = fresh();
        const handed: { readonly claim: number; readonly version: number; readonly untilMs: number }[] = [];
        const over = new Set<number>();
        for (const one of events) {
          if (one.kind === "pass") nowMs += one.ms;
          if (one.kind === "change") passage = openPassage(passage, passage.version + 1, nowMs);
          if (one.kind === "claim" && (dueAt(passage) ?? Infinity) <= nowMs) {
            for (const before of handed) expect(over.has(before.claim) || before.untilMs <= nowMs).toBe(true);
            passage = claimPassage(passage, nowMs);
            const { claim, version } = passage;
            expect(handed.every((before) => before.claim < claim)).toBe(true);
            handed.push({ claim, version, untilMs: nowMs + CLAIM_MS });
          }
          const holder = one.kind === "report" ? handed.at(-1 - one.ago) : undefined;
          if (one.kind === "report" && holder !== undefined) {
            passage = endClaim(passage, { ...holder, state: one.state }, nowMs);
            over.add(holder.claim);
            if (passage.shownAtMs !== null) expect(passage.written).toBe(passage.version);
          }
          expect(passage.written).toBeLessThanOrEqual(passage.version);
        }
        // Never blocked for longer than a claim, or the rarest look.
        expect(dueAt(passage) ?? nowMs).toBeLessThanOrEqual(nowMs + CLAIM_MS);
      }),
    );
  });
});
