import { afterEach, expect, test } from "vitest";
import type { DemoTask } from "../../../emulators/demo/demo-task.ts";
import { runFigures } from "../../../emulators/demo/figures.ts";
import { runTasks } from "../../../emulators/demo/run-tasks.ts";
import { fakeSaleroom, type FakeOptions, type FakeSaleroom } from "./fake-saleroom.ts";
import { AGENTS, passedJournal } from "./support.ts";

let fake: FakeSaleroom | undefined;
afterEach(() => fake?.close());

const aTask = (label: string): DemoTask => ({ label, bin: 1, input: { prompt: label } });

async function run(tasks: readonly DemoTask[], options: FakeOptions = {}, concurrency = 2) {
  fake = await fakeSaleroom(options);
  const seen: string[] = [];
  const ended = await runTasks(tasks, {
    access: { url: fake.url, key: "sr_test" },
    concurrency,
    listener: {
      submitted: () => undefined,
      event: (label, event) => void seen.push(`${label} ${event.seq}`),
    },
  });
  return { ended, seen, fake };
}

test("follows every task to its end and reads what became of it", async () => {
  const { ended, seen } = await run([aTask("a"), aTask("b")]);
  expect(seen).toHaveLength(28);
  expect(runFigures(ended, AGENTS, 1).totals).toMatchObject({
    tasks: 2,
    finished: 2,
    passed: 2,
    costMicros: 80,
    failing: [],
  });
});

test("takes up a dropped stream after the last event that arrived, without a gap or a repetition", async () => {
  const { ended, fake: server } = await run([aTask("a")], { eventsPerStream: 5 });
  expect(ended[0]?.events.map(({ seq }) => seq)).toEqual(passedJournal("tsk_1").map(({ seq }) => seq));
  expect(server.streams).toEqual(["", "5", "10"]);
});

test("a refused submission is sent again under the same idempotency key", async () => {
  const { ended, fake: server } = await run([aTask("a")], { refusals: 2 });
  expect(ended[0]?.task?.state).toBe("finished");
  expect(server.submissions).toHaveLength(3);
  expect(new Set(server.submissions.map(({ key }) => key)).size).toBe(1);
});

test("never more tasks at once than asked for", async () => {
  const { fake: server } = await run(["a", "b", "c", "d", "e"].map(aTask), {}, 2);
  expect(server.mostAtOnce()).toBeLessThanOrEqual(2);
});

const holedJournal = (taskId: string) =>
  passedJournal(taskId).filter(({ seq }) => taskId !== "tsk_2" || seq !== 6);

test("a gap in the event numbers makes the task fail by name, and only that one", async () => {
  const { ended } = await run([aTask("a"), aTask("b")], { events: holedJournal }, 1);
  expect(runFigures(ended, AGENTS, 1).totals.failing).toMatchObject([{ label: "b" }]);
});

test("a task that the API refuses is reported, and the others run", async () => {
  fake = await fakeSaleroom();
  const listener = { submitted: () => undefined, event: () => undefined };
  const ended = await runTasks([aTask("a")], {
    access: { url: fake.url, key: "sr_wrong" },
    concurrency: 1,
    listener,
  });
  expect(ended[0]?.error).toContain("answered 401");
  expect(runFigures(ended, AGENTS, 1).totals.failing).toMatchObject([{ label: "a" }]);
});
