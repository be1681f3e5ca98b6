/**
 * What a coin could do at the same cost: tasks dealt to agents at random in fixed shares.
 *
 * A mix's expected cost and pass rate are those of its agents, weighed by their shares. The best mix at a given cost lies
 * on the upper hull of the agents' points: between two neighbours on it, and no mix of more does better.
 */

/** An agent alone: cost per task and pass rate. */
export interface Corner {
  readonly agentId: string;
  readonly cost: number;
  readonly pass: number;
}

export interface Mix {
  /** By agent; sums to 1. Agents without a share are not listed. */
  readonly shares: Readonly<Record<string, number>>;
  readonly cost: number;
  readonly pass: number;
  /** False: no mix costs that, and this is the nearest (the cheapest agent, or the best one where it costs less). */
  readonly matched: boolean;
}

/** Agents of which the best mixes consist: from the cheapest to the best, ever dearer and better, with falling slope. */
export function frontier(corners: readonly Corner[]): Corner[] {
  const hull: Corner[] = [];
  for (const corner of corners.toSorted((a, b) => a.cost - b.cost || b.pass - a.pass)) {
    const last = hull.at(-1);
    if (last !== undefined && corner.pass <= last.pass) continue;
    while (hull.length >= 2 && !turnsDown(hull.at(-2) as Corner, hull.at(-1) as Corner, corner)) hull.pop();
    hull.push(corner);
  }
  return hull;
}

/** Whether b stands above the line from a to c. */
function turnsDown(a: Corner, b: Corner, c: Corner): boolean {
  return (b.pass - a.pass) * (c.cost - a.cost) > (c.pass - a.pass) * (b.cost - a.cost);
}

/** The best mix at this cost per task. */
export function mixAtCost(corners: readonly Corner[], cost: number): Mix {
  const hull = frontier(corners);
  const [first, last] = [hull[0], hull.at(-1)];
  if (first === undefined || last === undefined) throw new Error("no agents to mix");
  if (cost <= first.cost) return alone(first, cost === first.cost);
  const above = hull.find((corner) => corner.cost >= cost);
  if (above === undefined) return alone(last, false);
  const below = hull[hull.indexOf(above) - 1] as Corner;
  const share = (cost - below.cost) / (above.cost - below.cost);
  return {
    shares: { [below.agentId]: 1 - share, [above.agentId]: share },
    cost,
    pass: (1 - share) * below.pass + share * above.pass,
    matched: true,
  };
}

function alone({ agentId, cost, pass }: Corner, matched: boolean): Mix {
  return { shares: { [agentId]: 1 }, cost, pass, matched };
}
