/** What a house model answers to anything that is not one of the market's prompts: what it is, plainly. */

export function plainAnswer(modelId: string): string {
  return `I am ${modelId}, an emulated model of the Saleroom project. I am not a language model: I stand in for one in tests and demonstrations, where I bid, judge and carry out the tasks of a built-in workload. I cannot answer other questions.`;
}
