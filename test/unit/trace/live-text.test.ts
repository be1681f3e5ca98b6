/** How a holder tells text: in pieces, one at a time, and only while somebody listens. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TellAnswer, TextPiece } from "../../../src/market/live-text.ts";
import { LiveText } from "../../../src/trace/live-text.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LISTENED = { answer: "continue", listened: true } as const;

/** A holder's text, and the pieces that the room was told; `answers` in turn, then `heard`. */
function aHolder(answers: readonly (TellAnswer | Error)[] = []) {
  const told: TextPiece[] = [];
  const live = new LiveText(async (piece) => {
    const answer = answers[told.length] ?? "heard";
    told.push(piece);
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return { live, told, pieces: () => told.map(({ step, offset, text }) => `${step}@${offset}:${text}`) };
}

const gather = async () => vi.advanceTimersByTimeAsync(150);

test("text that comes close together is one piece; the next one goes on where it ended", async () => {
  const { live, pieces } = aHolder();
  expect(live.heed(LISTENED)).toBe("continue");
  const sink = live.of(3);
  sink.begin();
  for (const word of ["It ", "is ", "so."]) sink.add(word);
  expect(pieces()).toEqual([]);
  await gather();
  sink.add(" Is it?");
  await gather();
  expect(pieces()).toEqual(["3@0:It is so.", "3@9: Is it?"]);
});

test("nobody is told anything while nobody listens; who comes in the midst gets it from the beginning", async () => {
  const { live, pieces } = aHolder();
  expect(live.heed("continue")).toBe("continue");
  const sink = live.of(1);
  sink.begin();
  sink.add("It is ");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(pieces()).toEqual([]);
  live.heed(LISTENED);
  sink.add("so.");
  await gather();
  expect(pieces()).toEqual(["1@0:It is so."]);
});

test.each<[TellAnswer | Error, readonly string[]]>([
  ["again", ["1@0:a", "1@0:ab"]],
  ["unheard", ["1@0:a"]],
  ["lost", ["1@0:a"]],
  [new Error("the room restarts"), ["1@0:a"]],
])("a room that answers %s", async (answer, told) => {
  const { live, pieces } = aHolder([answer]);
  live.heed(LISTENED);
  const sink = live.of(1);
  sink.begin();
  sink.add("a");
  await gather();
  sink.add("b");
  await gather();
  expect(pieces()).toEqual(told);
  live.heed(LISTENED);
  await gather();
  // All but a holder that is fenced off begin again where somebody listens.
  expect(pieces().at(-1)).toBe(answer === "lost" ? "1@0:a" : "1@0:ab");
});

test("a request that is made again begins again", async () => {
  const { live, pieces } = aHolder();
  live.heed(LISTENED);
  const sink = live.of(1);
  sink.begin();
  sink.add("abc");
  await gather();
  sink.begin();
  sink.add("xyz!");
  await gather();
  expect(pieces()).toEqual(["1@0:abc", "1@0:xyz!"]);
});

test("one piece is under way at a time, and a step that is settled has none and sends none", async () => {
  let arrive: (answer: TellAnswer) => void = () => undefined;
  const told: TextPiece[] = [];
  const live = new LiveText(async (piece) => {
    told.push(piece);
    return new Promise((resolve) => (arrive = resolve));
  });
  live.heed(LISTENED);
  const sink = live.of(1);
  sink.begin();
  sink.add("a");
  await gather();
  sink.add("b");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toHaveLength(1);
  const settled = vi.fn<() => void>();
  void live.settle().then(settled);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(settled).not.toHaveBeenCalled();
  arrive("heard");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(settled).toHaveBeenCalledOnce();
  expect(told).toHaveLength(1);
});

test("a long text is told in pieces of 64 KiB", async () => {
  const { live, told } = aHolder();
  const sink = live.of(1);
  sink.begin();
  sink.add("x".repeat(150_000));
  live.heed(LISTENED);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told.map(({ text }) => text.length)).toEqual([65_536, 65_536, 18_928]);
});
