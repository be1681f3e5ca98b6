/**
 * Writes a program in the LP format of CPLEX, which HiGHS and most solvers read
 * (https://www.ibm.com/docs/en/icos/22.1.2?topic=cplex-lp-file-format-algebraic-representation).
 *
 * One term a line: readers cut lines at some hundred characters.
 */
import type { Program, Row, Term, Variable } from "./program.ts";

/** The program as text, numbers to their last digit. */
export function lpText(program: Program): string {
  const objective = program.variables
    .filter(({ cost }) => cost !== 0)
    .map(({ cost, name }) => ({ coefficient: cost, variable: name }));
  const binaries = program.variables.filter(({ binary }) => binary).map(({ name }) => ` ${name}`);
  return [
    "Minimize",
    " cost:",
    ...objective.map(termLine),
    "Subject To",
    ...program.rows.flatMap(rowLines),
    "Bounds",
    ...program.variables.filter(({ binary }) => !binary).map(boundLine),
    ...(binaries.length > 0 ? ["Binaries", ...binaries] : []),
    "End",
    "",
  ].join("\n");
}

function rowLines({ name, terms, comparison, right }: Row): string[] {
  return [` ${name}:`, ...terms.map(termLine), `  ${comparison} ${right}`];
}

function termLine({ coefficient, variable }: Term): string {
  return `  ${coefficient < 0 ? "-" : "+"} ${Math.abs(coefficient)} ${variable}`;
}

function boundLine({ name, lower, upper }: Variable): string {
  return upper === Number.POSITIVE_INFINITY ? ` ${name} >= ${lower}` : ` ${lower} <= ${name} <= ${upper}`;
}
