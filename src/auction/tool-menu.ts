/** The tools of a task as its bidders are told of them: a seam, so that the auction knows no tool. */
export type ToolMenu = (
  allowed: readonly string[],
) => readonly { readonly name: string; readonly description: string }[];
