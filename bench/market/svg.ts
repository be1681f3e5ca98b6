/** Small line charts as SVG text: points with intervals, lines between them, a legend beside them. */

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** Written beside the point. */
  readonly label?: string;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** False: points alone. */
  readonly line: boolean;
}

export interface Chart {
  readonly title: string;
  /** Second line, smaller: what this is, and what it is not. */
  readonly note: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly Series[];
  /** Draws a line at y = 0. */
  readonly zero: boolean;
}

/** Colour-blind safe (Okabe and Ito). */
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"];
const WIDTH = 860;
const HEIGHT = 460;
const PLOT = { left: 70, right: 610, top: 70, bottom: 400 };

const escaped = (content: string) =>
  content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const round = (value: number) => Number(value.toFixed(2));

interface Axis {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Ticks at 1, 2 or 5 times a power of ten, about six of them. */
function ticksOf(low: number, high: number): number[] {
  const rough = (high - low) / 6 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function axis(values: readonly number[], from: number, to: number): Axis {
  const ticks = ticksOf(Math.min(...values), Math.max(...values));
  const [low, high] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  return { ticks, at: (value) => round(from + ((value - low) / (high - low || 1)) * (to - from)) };
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

interface Look {
  readonly colour: string;
  /** Points are rings where the colours begin again. */
  readonly ring: boolean;
}

const fillOf = ({ colour, ring }: Look) =>
  ring ? `fill="#fff" stroke="${colour}" stroke-width="2"` : `fill="${colour}"`;

function seriesMarks({ points, line }: Series, look: Look, x: Axis, y: Axis): string[] {
  const { colour } = look;
  const path = points.map((point) => `${x.at(point.x)},${y.at(point.y)}`).join(" ");
  return [
    ...(line ? [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`] : []),
    ...points.flatMap((point) => [
      `<line x1="${x.at(point.x)}" x2="${x.at(point.x)}" y1="${y.at(point.low)}" y2="${y.at(point.high)}" stroke="${colour}"/>`,
      `<circle cx="${x.at(point.x)}" cy="${y.at(point.y)}" r="3.5" ${fillOf(look)}/>`,
      ...(point.label === undefined
        ? []
        : [text(x.at(point.x) + 6, y.at(point.y) - 6, point.label, `fill="${colour}"`)]),
    ]),
  ];
}

function frame({ title, note, xTitle, yTitle, zero }: Chart, x: Axis, y: Axis): string[] {
  const middle = (PLOT.top + PLOT.bottom) / 2;
  return [
    text(PLOT.left, 26, title, 'font-size="16" font-weight="bold"'),
    text(PLOT.left, 46, note, 'fill="#555"'),
    ...y.ticks.flatMap((tick) => [
      `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y.at(tick)}" y2="${y.at(tick)}" stroke="#ddd"/>`,
      text(PLOT.left - 8, y.at(tick) + 4, String(tick), 'text-anchor="end"'),
    ]),
    ...x.ticks.map((tick) => text(x.at(tick), PLOT.bottom + 18, String(tick), 'text-anchor="middle"')),
    ...(zero
      ? [`<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y.at(0)}" y2="${y.at(0)}" stroke="#333"/>`]
      : []),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 42, xTitle, 'text-anchor="middle"'),
    text(18, middle, yTitle, `text-anchor="middle" transform="rotate(-90 18 ${middle})"`),
  ];
}

/** The chart as an SVG document. */
export function svgOf(chart: Chart): string {
  const all = chart.series.flatMap((series) => series.points);
  const x = axis(
    all.map((point) => point.x),
    PLOT.left,
    PLOT.right,
  );
  const ys = all.flatMap((point) => [point.low, point.high]);
  const y = axis(chart.zero ? [...ys, 0] : ys, PLOT.bottom, PLOT.top);
  const coloured = chart.series.map((series, i) => ({
    series,
    look: { colour: COLOURS[i % COLOURS.length] ?? "#000", ring: i >= COLOURS.length },
  }));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...frame(chart, x, y),
    ...coloured.flatMap(({ series, look }) => seriesMarks(series, look, x, y)),
    ...coloured.flatMap(({ series, look }, i) => [
      `<rect x="${PLOT.right + 20}" y="${PLOT.top + 20 * i}" width="12" height="12" ${fillOf(look)}/>`,
      text(PLOT.right + 38, PLOT.top + 20 * i + 10, series.name),
    ]),
    "</svg>",
    "",
  ].join("\n");
}
