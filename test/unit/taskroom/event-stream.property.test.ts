/** What listeners of a task show, whatever happens to the task's room, the trace's holders, and themselves. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { StreamWorld } from "./stream-world.ts";

type Move = (world: StreamWorld) => void;

const client = fc.nat(2);
const always = (move: Move) => fc.constant(move);
const moves: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.integer({ min: 1, max: 40 }).map(
      (chars): Move =>
        (world) =>
          world.write(chars),
    ),
  },
  // Large enough that a reader falls behind.
  { weight: 1, arbitrary: always((world) => world.write(150_000)) },
  { weight: 8, arbitrary: always((world) => world.tell()) },
  { weight: 2, arbitrary: always((world) => world.fail()) },
  { weight: 1, arbitrary: always((world) => world.lapse()) },
  { weight: 1, arbitrary: always((world) => world.restart()) },
  { weight: 3, arbitrary: always((world) => world.answer()) },
  { weight: 3, arbitrary: always((world) => world.commit()) },
  { weight: 2, arbitrary: always((world) => world.sleep()) },
  { weight: 1, arbitrary: always((world) => world.crash()) },
  {
    weight: 3,
    arbitrary: client.map(
      (index): Move =>
        (world) =>
          world.connect(index),
    ),
  },
  {
    weight: 1,
    arbitrary: client.map(
      (index): Move =>
        (world) =>
          world.leave(index),
    ),
  },
  {
    weight: 6,
    arbitrary: client.map(
      (index): Move =>
        (world) =>
          world.read(index),
    ),
  },
);

test("at the end everybody shows the committed text; at no time a character twice, or an event twice or none", () => {
  let deltas = 0;
  fc.assert(
    fc.property(fc.array(moves, { minLength: 1, maxLength: 60 }), (walk) => {
      const world = new StreamWorld();
      for (const move of walk) move(world);
      world.finish();
      const texts = world.steps.map(({ text }, index) => ({ attempt: 1, step: index + 1, text }));
      for (const one of world.clients) {
        expect(one.shown).toEqual({ committed: texts, open: null });
        deltas += one.deltas;
      }
    }),
    { numRuns: 500 },
  );
  expect(deltas).toBeGreaterThan(1_000);
});

test("what waits for a client that does not read is bounded, however much is told", () => {
  const world = new StreamWorld();
  world.connect(0);
  world.read(0);
  for (let step = 0; step < 3_000; step++) {
    // Most steps are calls of tools, without a word.
    if (step % 5 === 0) world.write(10_000);
    world.tell();
    world.answer();
    world.commit();
  }
  // One window, and the message that filled it.
  expect(world.waiting(0)).toBeLessThan(256 * 1024 + 20_000);
  world.finish();
  expect(world.clients[0]?.shown.committed.map(({ text }) => text)).toEqual(
    world.steps.map(({ text }) => text),
  );
});

test("a backlog of 500 steps is sent page by page, as fast as it is read", () => {
  const world = new StreamWorld();
  for (let step = 0; step < 500; step++) {
    world.write(5_000);
    world.answer();
    world.commit();
  }
  world.connect(1);
  expect(world.waiting(1)).toBeLessThan(256 * 1024 + 10_000);
  world.read(1);
  expect(world.clients[1]?.events).toHaveLength(501);
  expect(world.clients[1]?.shown.committed).toHaveLength(500);
});
