/** A table of text in columns, aligned by content. Pure. */
export interface Column {
  readonly title: string;
  readonly align?: "right";
}

/** Lines of the table: title, rule, rows. Colour belongs to a whole line, so that it never counts as width. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((column, at) =>
    Math.max(column.title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const render = (cells: readonly string[]) =>
    cells
      .map((cell, at) =>
        columns[at]?.align === "right" ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [
    render(columns.map((column) => column.title)),
    widths.map((width) => "-".repeat(width)).join("  "),
    ...rows.map(render),
  ];
}
