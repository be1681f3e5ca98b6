/**
 * The tools of a task: by its own list of names, opened for one slice of its trace, closed with it.
 *
 * A task's name may stand for several tools. What needs the slice (a store under its generation, a connection) is made
 * when it opens; bidders are told of names and descriptions only.
 */
import type { ToolMenu } from "../../auction/tool-menu.ts";
import type { TaskRoomApi, TraceDesk } from "../../taskroom/task-room-api.ts";
import { ownMenu } from "./own/own-menu.ts";
import type { Tool } from "./tool.ts";

/** Whom tools are opened for. */
export interface ToolSlice {
  readonly desk: TraceDesk;
  readonly room: TaskRoomApi;
  /** Under which the slice holds its trace: what a tool writes is refused under an older one. */
  readonly generation: number;
  /** Aborts when the slice may not go on. */
  readonly signal: AbortSignal;
}

export interface OpenTools {
  readonly tools: readonly Tool[];
  /** Ends what was opened for them. Never rejects. */
  close(): Promise<void>;
}

/** What one name in a task's list stands for. */
export interface Offer {
  readonly name: string;
  readonly menu: readonly Pick<Tool, "name" | "description">[];
  open(slice: ToolSlice): readonly Tool[];
}

export interface Toolbox {
  readonly menu: ToolMenu;
  /** Never rejects for what one tool needs: that tool says so when it is called. */
  readonly open: (slice: ToolSlice) => Promise<OpenTools>;
}

/** Opens what the slice's tenant has registered and its task allows. Never rejects. */
export type OpenOwn = (slice: ToolSlice) => OpenTools;

/** A tool that is the same for every task. */
export function offer(tool: Tool): Offer {
  return { name: tool.name, menu: [tool], open: () => [tool] };
}

/** @param openOwn opens the tools of the slice's tenant; null: there are none */
export function createToolbox(offers: readonly Offer[], openOwn: OpenOwn | null = null): Toolbox {
  const allowed = (names: readonly string[]) => offers.filter(({ name }) => names.includes(name));
  return {
    menu: (names, own) =>
      withOwn(
        allowed(names).flatMap(({ menu }) => menu),
        ownMenu(own),
      ),
    open: async (slice) => {
      const house = allowed(slice.desk.tools).flatMap((one) => one.open(slice));
      const own = openOwn?.(slice);
      return {
        tools: withOwn(house, own?.tools ?? []),
        close: async () => own?.close(),
      };
    },
  };
}

/** A house that has got a tool since is heard first: two of one name are none that a provider takes. */
function withOwn<T extends { readonly name: string }>(house: readonly T[], own: readonly T[]): T[] {
  const taken = new Set(house.map(({ name }) => name));
  return [...house, ...own.filter(({ name }) => !taken.has(name))];
}
