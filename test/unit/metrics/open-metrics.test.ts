import { describe, expect, test } from "vitest";
import { openMetricsText, type Family } from "../../../src/api/open-metrics.ts";
import { readOpenMetrics } from "../../support/read-open-metrics.ts";

const NASTY = 'a "quoted" \\ back\\slash,\nand a } line="feed"';

test("every type of metric is written as the standard has it", () => {
  const families: Family[] = [
    { type: "gauge", name: "open", help: "Now.", values: [{ labels: {}, value: 3 }] },
    {
      type: "counter",
      name: "cost_usd",
      unit: "usd",
      help: 'What "it" \\ cost.',
      values: [{ labels: { agent: "a", none: "" }, value: 0.000001 }],
    },
    {
      type: "histogram",
      name: "took_seconds",
      unit: "seconds",
      help: "How long.",
      distributions: [
        {
          labels: { state: "finished" },
          buckets: [
            { upTo: 1, count: 2 },
            { upTo: 2.5, count: 1 },
          ],
          count: 4,
          sum: 12.5,
        },
      ],
    },
  ];
  expect(openMetricsText(families)).toBe(`# TYPE open gauge
# HELP open Now.
open 3
# TYPE cost_usd counter
# UNIT cost_usd usd
# HELP cost_usd What \\"it\\" \\\\ cost.
cost_usd_total{agent="a"} 0.000001
# TYPE took_seconds histogram
# UNIT took_seconds seconds
# HELP took_seconds How long.
took_seconds_bucket{state="finished",le="1.0"} 2
took_seconds_bucket{state="finished",le="2.5"} 3
took_seconds_bucket{state="finished",le="+Inf"} 4
took_seconds_count{state="finished"} 4
took_seconds_sum{state="finished"} 12.5
# EOF
`);
});

test("a strict reader gets back what was written, whatever a label holds", () => {
  const values = [
    { labels: { one: NASTY, two: "\\n" }, value: 1e21 },
    { labels: { one: "\\", two: "" }, value: 1e-9 },
  ];
  const text = openMetricsText([{ type: "counter", name: "odd", help: NASTY, values }]);
  expect(readOpenMetrics(text)).toEqual([
    { name: "odd_total", labels: { one: NASTY, two: "\\n" }, value: 1e21 },
    { name: "odd_total", labels: { one: "\\" }, value: 1e-9 },
  ]);
});

test("no families are an empty exposition, which ends all the same", () => {
  expect(openMetricsText([])).toBe("# EOF\n");
});

test("a family without values is described and nothing more", () => {
  const text = openMetricsText([{ type: "counter", name: "none_yet", help: "None.", values: [] }]);
  expect(readOpenMetrics(text)).toEqual([]);
});

describe("what no reader would take is a bug of the caller's", () => {
  const gauge = { type: "gauge", help: "x", values: [] } as const;
  test.each([
    ["a name with a dot", [{ ...gauge, name: "gen_ai.usage" }]],
    ["a unit that the name does not have", [{ ...gauge, name: "took", unit: "seconds" }]],
    [
      "a family that comes twice",
      [
        { ...gauge, name: "took" },
        { ...gauge, name: "took" },
      ],
    ],
  ])("%s", (_, families) => {
    expect(() => openMetricsText(families)).toThrow(RangeError);
  });
});
