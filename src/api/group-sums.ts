/** From rows of sums to the values and distributions of a metric: what has the same labels is added up. */
import type { Distribution, Labels, Value } from "./open-metrics.ts";

/** One value for each set of labels. */
export function added<T>(
  sums: readonly T[],
  labels: (sum: T) => Labels,
  figure: (sum: T) => number,
): Value[] {
  return [...grouped(sums, labels).values()].map((group) => ({
    labels: group.labels,
    value: group.members.reduce((total, sum) => total + figure(sum), 0),
  }));
}

interface Classes<T> {
  readonly bounds: readonly number[];
  /** So much of what is stored is one of what is shown. */
  readonly scale: number;
  readonly labels: (sum: T) => Labels;
  readonly figures: (sum: T) => { readonly upTo: number; readonly count: number; readonly sum: number };
}

export function distributed<T>(
  sums: readonly T[],
  { bounds, scale, labels, figures }: Classes<T>,
): Distribution[] {
  return [...grouped(sums, labels).values()].map((group) => {
    const members = group.members.map(figures);
    const total = (of: "count" | "sum", among = members) => among.reduce((n, one) => n + one[of], 0);
    // Counted under a bound that is none any more: it belongs to the next one above.
    const inClass = (at: number) =>
      members.filter(({ upTo }) => upTo <= (bounds[at] ?? 0) && upTo > (bounds[at - 1] ?? -1));
    return {
      labels: group.labels,
      buckets: bounds.map((bound, at) => ({ upTo: bound / scale, count: total("count", inClass(at)) })),
      count: total("count"),
      sum: total("sum") / scale,
    };
  });
}

function grouped<T>(
  sums: readonly T[],
  labels: (sum: T) => Labels,
): Map<string, { readonly labels: Labels; readonly members: T[] }> {
  const groups = new Map<string, { readonly labels: Labels; readonly members: T[] }>();
  for (const sum of sums) {
    const of = labels(sum);
    const key = JSON.stringify(of);
    const group = groups.get(key) ?? { labels: of, members: [] };
    group.members.push(sum);
    groups.set(key, group);
  }
  return groups;
}
