/** Recorded runs on disk: DIR/traces/*.json, each one run of one model over one task. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { recordedTraceSchema, type RecordedTrace } from "../../recorded/trace-schema.ts";
import { fail, ok, type Result } from "../../../src/market/result.ts";

export interface Recording {
  /** The file's name without `.json`; the recording's name at the emulator. */
  readonly name: string;
  readonly trace: RecordedTrace;
  /** As it stands in the file, to be uploaded unchanged. */
  readonly text: string;
}

/** All of them in the order of their names, or why the directory cannot be replayed. */
export function readRecordings(directory: string): Result<readonly Recording[], string> {
  const folder = join(directory, "traces");
  let names: string[];
  try {
    names = readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .toSorted();
  } catch {
    return fail(`${folder} cannot be read; --replay takes a directory with a folder \`traces\` in it`);
  }
  if (names.length === 0) return fail(`${folder} holds no .json file`);
  const recordings: Recording[] = [];
  for (const name of names) {
    const recording = readRecording(join(folder, name));
    if (!recording.ok) return recording;
    recordings.push(recording.value);
  }
  return ok(recordings);
}

function readRecording(path: string): Result<Recording, string> {
  try {
    const text = readFileSync(path, "utf8");
    const trace = recordedTraceSchema.safeParse(JSON.parse(text));
    if (!trace.success)
      return fail(
        `${path} is not a recorded run: ${z.prettifyError(trace.error).replaceAll(/\s*\n\s*/g, " ")}`,
      );
    return ok({ name: basename(path, ".json"), trace: trace.data, text });
  } catch (error) {
    return fail(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
