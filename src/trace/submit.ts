/** The tool that hands in a result, as the model sees it; what becomes of it is `market/submission.ts`. */
import type { ToolDescription } from "../agents/model-port.ts";
import { SUBMIT_TOOL } from "../market/submission.ts";

export const SUBMIT_DESCRIPTION: ToolDescription = {
  name: SUBMIT_TOOL,
  description: "Hand in the result of the task. Ends your work; the result is checked as it is.",
  inputSchema: {
    type: "object",
    properties: { result: { type: "string", description: "The result, and nothing else." } },
    required: ["result"],
    additionalProperties: false,
  },
};
