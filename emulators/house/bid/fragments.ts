/** What a bidder can say about a task: a workload task's own fragments, or what a stranger's text suggests. */
import type { PlanFragments, TaskKind } from "../../workload/index.ts";
import type { TaskView } from "../known-tasks.ts";

/** Words too common to tell one task from another. */
const COMMON = new Set(
  "about after again also answer because before being between could every first from have here into just list make more most must only other over please result return returns same should some such text than that their them then there these they this those under until upon what when where which while with without would write your".split(
    " ",
  ),
);

/** Coding if the text asks for a function or code, otherwise a question. */
export function kindOf(task: TaskView): TaskKind {
  if (task.known !== null) return task.known.kind;
  return /\b(?:function|javascript|code|script|class|implement)\b/i.test(task.text) ? "code" : "question";
}

/** How telling a word is: seen often, and long. */
function weight([word, seen]: readonly [string, number]): number {
  return seen * Math.min(word.length, 9);
}

/** The most telling words of a text: frequent, long, in order of appearance. */
function keyWords(text: string, count: number): string[] {
  const tally = new Map<string, number>();
  for (const word of text.toLowerCase().match(/[a-z][a-z_-]{3,}/g) ?? []) {
    if (!COMMON.has(word)) tally.set(word, (tally.get(word) ?? 0) + 1);
  }
  return [...tally]
    .toSorted((a, b) => weight(b) - weight(a))
    .slice(0, count)
    .map(([word]) => word);
}

/** Fragments for the bidder's plan. */
export function fragmentsOf(task: TaskView): PlanFragments {
  if (task.known !== null) return task.known.plan;
  const words = keyWords(task.text, 8);
  const [a = "input", b = a, c = b, d = a, e = b, f = c, g = d, h = e] = words;
  return {
    subGoals: [
      `find out what the task says about ${a} and ${b}`,
      `settle how ${c} relates to ${a}`,
      `work through ${d} and ${e} one at a time`,
      `bring ${f} into the form that is asked for`,
    ],
    pitfalls: [
      `${g} that is missing or empty`,
      `${b} confused with ${c}`,
      `conditions on ${h} that hold only sometimes`,
    ],
    checks: [`compare the outcome with every sentence on ${a}`, `go through ${d} again from the end`],
  };
}
