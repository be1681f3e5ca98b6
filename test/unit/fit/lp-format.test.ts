/** HiGHS reads what the writer wrote: same size, same coefficients, same bounds. */
import loadHighs from "highs";
import { expect, test } from "vitest";
import { fitProgram } from "../../../src/market/fit/fit-program.ts";
import { lpText } from "../../../src/market/fit/lp-format.ts";
import type { Program } from "../../../src/market/fit/program.ts";
import { usable } from "../../../src/market/fit/usable.ts";
import { trialAuctions, WIDE_POOL } from "./synthetic-trial.ts";

test("a program as text, term by term", () => {
  const program: Program = {
    variables: [
      { name: "w_0", lower: 0, upper: 1, binary: false, cost: 0 },
      { name: "q", lower: -10, upper: 10, binary: false, cost: 1 },
      { name: "miss_0", lower: 0, upper: Number.POSITIVE_INFINITY, binary: false, cost: 0.25 },
      { name: "x_0", lower: 0, upper: 1, binary: true, cost: -1e-7 },
    ],
    rows: [
      {
        name: "level",
        terms: [
          { coefficient: -0.5, variable: "w_0" },
          { coefficient: 3, variable: "x_0" },
        ],
        comparison: "<=",
        right: -2,
      },
    ],
  };
  expect(lpText(program).split("\n")).toEqual([
    "Minimize",
    " cost:",
    "  + 1 q",
    "  + 0.25 miss_0",
    "  - 1e-7 x_0",
    "Subject To",
    " level:",
    "  - 0.5 w_0",
    "  + 3 x_0",
    "  <= -2",
    "Bounds",
    " 0 <= w_0 <= 1",
    " -10 <= q <= 10",
    " miss_0 >= 0",
    "Binaries",
    " x_0",
    "End",
    "",
  ]);
});

test("a real program survives the reader", async () => {
  const { auctions } = usable(trialAuctions({ pool: WIDE_POOL, count: 60, seed: 2 }));
  const made = fitProgram(auctions, { kind: "margin", aggregation: "max" });
  if (!made.ok) throw new Error(made.failure.reason);
  const { program } = made.value;
  const highs = await loadHighs();
  highs.withModel({ format: "lp", data: lpText(program) }, (model) => {
    const columns = new Map(program.variables.map(({ name }) => [name, model.getColByName(name)]));
    const read = model.getLp("csr");
    expect([read.numCols, read.numRows]).toEqual([program.variables.length, program.rows.length]);
    const { starts, indices, values } = read.matrix;
    for (const [at, row] of program.rows.entries()) {
      const from = starts[at] ?? 0;
      const to = starts[at + 1] ?? 0;
      const found = Array.from(indices.slice(from, to), (column, place) => [column, values[from + place]]);
      const written = row.terms.map(({ variable, coefficient }) => [columns.get(variable), coefficient]);
      expect(new Map(found as [number, number][])).toEqual(new Map(written as [number, number][]));
      expect(read.rowUpper[at]).toBe(row.right);
    }
    for (const { name, cost, lower, upper, binary } of program.variables) {
      const column = columns.get(name) ?? -1;
      expect([read.colCost[column], read.colLower[column], read.colUpper[column]]).toEqual([
        cost,
        lower,
        upper,
      ]);
      expect(read.integrality[column]).toBe(binary ? 1 : 0);
    }
  });
});
