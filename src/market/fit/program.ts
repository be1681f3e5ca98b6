/** A mixed-integer linear program, for any solver: minimize a sum over variables subject to rows. */

export interface Variable {
  /** A letter, then letters, digits and `_`: allowed in every solver's format. */
  readonly name: string;
  readonly lower: number;
  /** Infinity: none. */
  readonly upper: number;
  /** Takes 0 or 1 only. */
  readonly binary: boolean;
  /** Its coefficient in what is minimized. */
  readonly cost: number;
}

export interface Term {
  readonly coefficient: number;
  /** Name of the variable. */
  readonly variable: string;
}

export interface Row {
  readonly name: string;
  readonly terms: readonly Term[];
  readonly comparison: "<=" | "=";
  readonly right: number;
}

export interface Program {
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

/** A value for each variable, by name. */
export type Assignment = Readonly<Record<string, number>>;

/** By how much the assignment breaks the worst of the program's rows and bounds; 0 where it is feasible. */
export function violationOf(program: Program, assignment: Assignment): number {
  const beyond = program.rows.map(({ terms, comparison, right }) => {
    const left = terms.reduce((sum, term) => sum + term.coefficient * (assignment[term.variable] ?? 0), 0);
    return comparison === "=" ? Math.abs(left - right) : left - right;
  });
  const outside = program.variables.map(({ name, lower, upper, binary }) => {
    const value = assignment[name] ?? 0;
    const fraction = binary ? Math.abs(value - Math.round(value)) : 0;
    return Math.max(lower - value, value - upper, fraction);
  });
  return Math.max(0, ...beyond, ...outside);
}
