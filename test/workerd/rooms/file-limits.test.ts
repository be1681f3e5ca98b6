/** Where the limits of a trace's files are, and what a model is told there. */
import { describe, expect, test } from "vitest";
import { MAX_FILE_BYTES, MAX_FILES, MAX_SPACE_BYTES } from "../../../src/market/task-files.ts";
import { held, output, refusal } from "./files-day.ts";
import { useStoppedClock } from "./market-day.ts";

useStoppedClock();

describe("limits", () => {
  test.each([
    ["nothing", ""],
    ["the parent", ".."],
    ["a way out", "../a"],
    ["a way out in the middle", "a/../../b"],
    ["the same place", "./a"],
    ["an absolute path", "/etc/passwd"],
    ["a directory", "a/"],
    ["an empty part", "a//b"],
    ["a backslash", "a\\b"],
    ["a percent sign", "a%2fb"],
    ["a blank", "a b"],
    ["a line break", "a\n"],
    ["a zero byte", "a\u0000"],
    ["letters that look alike", "аdmin"],
    ["more than 200 characters", "a".repeat(201)],
  ])("%s is no path", async (_, path) => {
    const { task, call } = await held();
    for (const tool of ["write_file", "read_file", "delete_file"]) {
      const result = await call(tool, tool === "write_file" ? { path, text: "x" } : { path });
      expect(result).toMatchObject(refusal("invalid_arguments", "path"));
    }
    expect((await task.room.readFiles(null))?.files).toEqual([]);
  });

  test.each(["a", "notes/plan.md", ".hidden", "a..b", "A-1_2/..c", "a".repeat(200)])(
    "%s is one",
    async (path) => {
      const { call } = await held();
      expect(await call("write_file", { path, text: "x" })).toMatchObject({ ok: true });
      expect(await call("list_files", {})).toEqual(output(`${path} 1`));
    },
  );

  test("a file has at most 256 KiB, in bytes", async () => {
    const { task, call } = await held();
    expect(await call("write_file", { path: "a", text: "x".repeat(MAX_FILE_BYTES) })).toMatchObject({
      ok: true,
    });
    const wide = "€".repeat(Math.ceil(MAX_FILE_BYTES / 3) + 1);
    expect(await call("write_file", { path: "b", text: wide })).toMatchObject(
      refusal("too_large", "split it"),
    );
    expect(await call("write_file", { path: "c", text: "x".repeat(MAX_FILE_BYTES + 1) })).toMatchObject(
      refusal("invalid_arguments", "text"),
    );
    expect((await task.room.readFiles(null))?.files).toMatchObject([{ path: "a", bytes: MAX_FILE_BYTES }]);
  });

  test("all files have at most 4 MiB, and one that replaces another counts once", async () => {
    const { call } = await held();
    const text = "x".repeat(MAX_FILE_BYTES);
    const fit = MAX_SPACE_BYTES / MAX_FILE_BYTES;
    for (let at = 0; at < fit; at += 1) {
      expect(await call("write_file", { path: `f${at}`, text })).toMatchObject({ ok: true });
    }
    expect(await call("write_file", { path: "more", text: "x" })).toMatchObject(
      refusal("too_large", "0 are left"),
    );
    expect(await call("write_file", { path: "f0", text })).toMatchObject({ ok: true });
    expect(await call("write_file", { path: "f0", text: "small" })).toMatchObject({ ok: true });
    expect(await call("write_file", { path: "more", text: "x" })).toMatchObject({ ok: true });
  });

  test("there are at most 100", async () => {
    const { call } = await held();
    for (let at = 0; at < MAX_FILES; at += 1) await call("write_file", { path: `f${at}`, text: "x" });
    expect(await call("write_file", { path: "more", text: "x" })).toMatchObject(
      refusal("too_large", "delete some"),
    );
    expect(await call("write_file", { path: "f0", text: "y" })).toMatchObject({ ok: true });
    await call("delete_file", { path: "f1" });
    expect(await call("write_file", { path: "more", text: "x" })).toMatchObject({ ok: true });
  });

  test("a long file is read part by part", async () => {
    const { call } = await held();
    const whole = Array.from({ length: 9_000 }, (_, line) => `${line} ä😀`).join("\n");
    await call("write_file", { path: "a", text: whole });
    let text = "";
    for (let next: string | undefined = "0"; next !== undefined;) {
      const result = await call("read_file", { path: "a", from: Number(next) });
      if (!result.ok) throw new Error(result.error.message);
      const [, part = "", more] =
        /^\[characters \d+ to \d+ of \d+\]\n(.*?)(?:\n\[there is more: from (\d+)\])?$/s.exec(
          result.output,
        ) ?? [];
      text += part;
      next = more;
    }
    expect(text).toBe(whole);
    expect(await call("read_file", { path: "a", from: whole.length })).toMatchObject(
      refusal("invalid_arguments", `ends at character ${whole.length}`),
    );
  });

  test("an empty file, and one with lone surrogates, are kept as text", async () => {
    const { task, call } = await held();
    await call("write_file", { path: "empty", text: "" });
    await call("write_file", { path: "odd", text: "a\ud800b" });
    expect(await call("read_file", { path: "empty" })).toEqual(output(""));
    expect((await task.room.readFiles("odd"))?.text).toBe("a\ufffdb");
  });
});
