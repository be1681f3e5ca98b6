/** Words of the emulated bidders: frames around a task's fragments, and what says nothing. The jury knows none of these lists. */

/** `{}` is where the fragment goes. */
export const GOAL_FRAMES: readonly string[] = [
  "{}",
  "{}",
  "{}",
  "first {}",
  "then {}",
  "next, {}",
  "{} as a step of its own",
  "{} before anything else builds on it",
  "{} and keep the outcome at hand",
  "{}, following the wording of the task",
  "after that {}",
  "{} and note it",
];

export const PITFALL_FRAMES: readonly string[] = [
  "watch out for {}",
  "easy to get wrong: {}",
  "a likely mistake is {}",
  "mind {}",
  "pitfall: {}",
  "edge case: {}",
  "this can fail through {}",
  "be careful about {}",
  "risk: {}",
  "do not overlook {}",
];

export const CHECK_FRAMES: readonly string[] = [
  "before submitting, {}",
  "to verify, {}",
  "as a check, {}",
  "{} to notice a mistake",
  "check: {}",
  "test: {}",
  "finally {} and only then submit",
  "if in doubt, {} again",
];

/** Right uses of tools, by what the task is. `{}` is the tool's name. */
export const FITTING_TOOLS: Readonly<Record<"code" | "question", readonly string[]>> = {
  code: [
    "use {} to execute the function on the cases of the task",
    "call {} with the draft and its edge cases, and repair what fails",
    "{} serves every step that can be tested",
    "let {} run the examples of the task before the result is handed in",
  ],
  question: [
    "use {} for this part and take nothing from memory",
    "{} serves the steps that need it: one call for each document or sum",
    "call {} and quote from what it returns",
    "rely on {} here, since a slip would spoil the answer",
  ],
};

/** Tools used for what they cannot do. */
export const MISFIT_TOOLS: readonly string[] = [
  "use {} whenever it might be helpful",
  "probably {} will provide the solution directly",
  "call {} several times until things look fine",
  "start with {} and see what happens",
  "{} is powerful, so most of the work can be left to it",
];

/** Sub-goals that would fit anything. */
export const VAGUE_GOALS: readonly string[] = [
  "understand the requirements carefully",
  "think about the best approach",
  "implement the solution step by step",
  "gather all the relevant information",
  "analyse the problem from several angles",
  "produce a first version and improve it",
  "break everything down into manageable parts",
  "put the pieces together in a clean way",
  "handle the details as they come up",
  "go through the material thoroughly",
  "decide on a suitable method",
  "finalise and present the outcome",
];

export const FILLERS: readonly string[] = [
  "this approach is robust and has proven itself in many situations",
  "quality is the top priority throughout the whole process",
  "I am confident that this will lead to an excellent outcome",
  "a systematic way of working is essential for a good outcome",
  "every aspect will be given the attention that it deserves",
  "the plan stays flexible so that it can be adapted at any time",
  "best practices will be followed wherever they apply",
  "clarity and simplicity are guiding principles here",
  "it is important to stay focused and organised",
  "great care will be taken to deliver something of high value",
  "in general, such problems can be approached in more than one way",
  "as always, a solid foundation makes everything else easier",
  "making sure that everything works as expected is key",
  "any difficulties will be dealt with in a professional manner",
  "the overall strategy balances speed and thoroughness",
  "this may take some effort but is certainly achievable",
  "all things considered, a straightforward path seems preferable",
  "attention to detail sets a good outcome apart",
  "once the basics are in place, the remainder should follow naturally",
  "possible improvements can be considered at a later point",
  "the process is iterative and benefits from reflection",
  "experience shows that preparation pays off",
  "there are many tools and techniques that could be relevant",
  "a comprehensive solution will be provided",
];
