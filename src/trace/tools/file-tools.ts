/**
 * The tools that a task's one name `files` stands for: texts that the agent keeps in the task's own room, for as long as
 * the room is there.
 *
 * No tool adds to a file: calls are made at least once, and each of these comes to the same when it is made twice. Those
 * of one step run in the order in which they were asked for.
 */
import { z } from "zod";
import {
  FILE_TOOL_NAMES,
  isFilePath,
  MAX_FILE_BYTES,
  MAX_FILES,
  MAX_PATH_CHARS,
  MAX_SPACE_BYTES,
  type FileAnswer,
  type FileEntry,
  type FileRefusal,
  type FileResult,
  type FileUse,
} from "../../market/task-files.ts";
import { partHead, partTail, textPart } from "./text-part.ts";
import { toolError } from "./tool.ts";
import type { Tool, ToolResult } from "./tool.ts";
import type { Offer } from "./toolbox.ts";

type UseFiles = (use: FileUse) => Promise<FileResult>;

const KIB = 1024;

const PATH_FORM =
  `a path such as notes/plan.md: letters, digits, ".", "_", "-" and "/" between them, no "." or ".." alone, ` +
  `at most ${MAX_PATH_CHARS} characters`;

const path = z.string().refine(isFilePath, PATH_FORM).describe("Such as notes/plan.md.");

const writeSchema = z.strictObject({ path, text: z.string().max(MAX_FILE_BYTES) });
const readSchema = z.strictObject({
  path,
  from: z
    .int()
    .min(0)
    .default(0)
    .describe("Where to begin, in characters; the answer before says where it ended."),
});
const deleteSchema = z.strictObject({ path });
const listSchema = z.strictObject({});

const LIMITS = `${MAX_FILE_BYTES / KIB} KiB a file, ${MAX_FILES} files, ${MAX_SPACE_BYTES / KIB / KIB} MiB in all`;

const DESCRIPTIONS = {
  write_file:
    "Writes a text file into your work space, which lasts as long as the task; what stood there is replaced. " +
    `At most ${LIMITS}. File calls of one step run in their order.`,
  read_file: "Reads a text file of your work space, 60 KiB at a time: `from` reads on.",
  list_files: "Lists the files of your work space with their sizes in bytes.",
  delete_file: "Deletes a file of your work space.",
} as const satisfies Record<(typeof FILE_TOOL_NAMES)[number], string>;

export const filesOffer: Offer = {
  name: "files",
  menu: FILE_TOOL_NAMES.map((name) => ({ name, description: DESCRIPTIONS[name] })),
  open: ({ room, generation }) => fileTools((use) => room.useFiles(generation, use)),
};

/** As one slice of a trace has them. */
function fileTools(useFiles: UseFiles): readonly Tool[] {
  const use = inTurn(useFiles);
  const write: Tool<z.infer<typeof writeSchema>> = {
    name: "write_file",
    description: DESCRIPTIONS.write_file,
    inputSchema: writeSchema,
    execute: async ({ path: at, text }) =>
      told(await use({ kind: "write", path: at, text: text.toWellFormed() }), at, {
        written: ({ bytes, files, leftBytes }) =>
          `wrote ${at} (${bytes} bytes); ${files} of ${MAX_FILES} files, ${leftBytes} bytes are left`,
      }),
  };
  const read: Tool<z.infer<typeof readSchema>> = {
    name: "read_file",
    description: DESCRIPTIONS.read_file,
    inputSchema: readSchema,
    execute: async ({ path: at, from }) => {
      const result = await use({ kind: "read", path: at });
      if (!result.ok || result.value.kind !== "read") return told(result, at, {});
      const part = textPart(result.value.text, from);
      if (part === null) {
        return toolError("invalid_arguments", `from: ${at} ends at character ${result.value.text.length}`);
      }
      const head = partHead(part);
      return { ok: true, output: `${head === null ? "" : `[${head}]\n`}${part.text}${partTail(part)}` };
    },
  };
  const remove: Tool<z.infer<typeof deleteSchema>> = {
    name: "delete_file",
    description: DESCRIPTIONS.delete_file,
    inputSchema: deleteSchema,
    execute: async ({ path: at }) =>
      told(await use({ kind: "delete", path: at }), at, { deleted: () => `there is no ${at} any more` }),
  };
  const list: Tool<z.infer<typeof listSchema>> = {
    name: "list_files",
    description: DESCRIPTIONS.list_files,
    inputSchema: listSchema,
    execute: async () => told(await use({ kind: "list" }), "", { listed: ({ files }) => listed(files) }),
  };
  return [write, read, list, remove];
}

/** One after the other, in the order of asking. */
function inTurn(useFiles: UseFiles): UseFiles {
  let last: Promise<unknown> = Promise.resolve();
  const after = async (before: Promise<unknown>, use: FileUse): Promise<FileResult> => {
    await before;
    return useFiles(use);
  };
  return async (use) => {
    const done = after(last, use);
    last = done.catch(() => undefined);
    return done;
  };
}

type Words = {
  readonly [Kind in FileAnswer["kind"]]?: (answer: Extract<FileAnswer, { kind: Kind }>) => string;
};

function told(result: FileResult, at: string, words: Words): ToolResult {
  if (!result.ok) return refused(result.failure, at);
  const say = words[result.value.kind] as ((answer: FileAnswer) => string) | undefined;
  if (say === undefined) throw new Error(`an answer to something else: ${result.value.kind}`);
  return { ok: true, output: say(result.value) };
}

function refused(refusal: FileRefusal, at: string): ToolResult {
  switch (refusal.reason) {
    case "lost":
      return toolError("cancelled", "the work here has ended");
    case "bad_path":
      return toolError("invalid_arguments", `path: ${PATH_FORM}`);
    case "no_such_file":
      return toolError("not_found", `there is no ${at}; list_files says what there is`);
    case "file_too_large":
      return toolError(
        "too_large",
        `${at} was not written: ${refusal.bytes} bytes, and a file has at most ${MAX_FILE_BYTES}; split it`,
      );
    case "too_many_files":
      return toolError(
        "too_large",
        `${at} was not written: there are ${MAX_FILES} files already; delete some`,
      );
    case "space_full":
      return toolError(
        "too_large",
        `${at} was not written: ${refusal.neededBytes} bytes, and ${refusal.leftBytes} are left; delete or shorten files`,
      );
  }
}

function listed(files: readonly FileEntry[]): string {
  if (files.length === 0) return "no files";
  return files.map(({ path: at, bytes }) => `${at} ${bytes}`).join("\n");
}
