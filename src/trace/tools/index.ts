/** The tools' public door. */
export { createFetchPage } from "./fetch-page.ts";
export type { FetchPageConfig } from "./fetch-page.ts";
export { createTools } from "./house-tools.ts";
export { createHttp } from "./http.ts";
export type { HttpConfig } from "./http.ts";
export { createRunJavascript } from "./run-javascript.ts";
export { MAX_OUTPUT_BYTES, runTool } from "./run-tool.ts";
export type { Tool, ToolContext, ToolResult } from "./tool.ts";
export type { ListedServer } from "./own/list-server.ts";
export { createToolbox, offer } from "./toolbox.ts";
export type { OpenTools } from "./toolbox.ts";
