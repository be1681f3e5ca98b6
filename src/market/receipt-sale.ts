/** What must hold of a sale as a receipt states it: who stood before whom, and what stood against them. */
import type { Clearing } from "./clear.ts";
import type { Difference } from "./receipt-difference.ts";
import type { Receipt } from "./receipt-schema.ts";
import { reasonOf, smallestRelaxation, standingsOf } from "./sale/sale.ts";

type Decision = Receipt["decision"];
type Sold = NonNullable<Extract<Decision, { readonly status: "cleared" }>["sale"]>;
type Unsold = Pick<Extract<Decision, { readonly status: "no-sale" }>, "passedOver" | "reason" | "relaxation">;

/** @param sale null: the clearing's winner was sold, of which there is nothing to check */
export function soldBreaches(sale: Sold | null, clearing: Clearing): Difference[] {
  if (sale === null) return [];
  const { agentId, round, chosenBy, passedOver } = sale;
  const path = "decision.sale";
  const standings = standingsOf(clearing);
  const place = standings.findIndex((one) => one.agentId === agentId && one.round === round);
  if (place < 0) {
    return [
      { path: `${path}.agentId`, stated: `${agentId} in round ${round}`, expected: "a bid that stands" },
    ];
  }
  const better = standings.slice(0, place).map((one) => one.agentId);
  const passed = passedOver.map((one) => one.agentId);
  const stated = passed.join(" ");
  return [
    ...idleObstacles(passedOver, `${path}.passedOver`),
    ...(passed.includes(agentId)
      ? [{ path: `${path}.passedOver`, stated, expected: `not ${agentId}, which was sold` }]
      : []),
    // The tenant may choose any bid; the market takes the best that nothing stands against.
    ...(chosenBy === "market" && stated !== better.join(" ")
      ? [{ path: `${path}.passedOver`, stated, expected: better.join(" ") }]
      : []),
  ];
}

export function unsoldBreaches({ passedOver, reason, relaxation }: Unsold, clearing: Clearing): Difference[] {
  const path = "decision";
  if (reason === "quote_expired") {
    return relaxation === null ? [] : [{ path: `${path}.relaxation`, stated: relaxation, expected: "null" }];
  }
  const all = standingsOf(clearing)
    .map((one) => one.agentId)
    .join(" ");
  const stated = passedOver.map((one) => one.agentId).join(" ");
  if (stated !== all) return [{ path: `${path}.passedOver`, stated, expected: all }];
  const least = smallestRelaxation(passedOver);
  return [
    ...idleObstacles(passedOver, `${path}.passedOver`),
    ...(JSON.stringify(relaxation) === JSON.stringify(least)
      ? []
      : [{ path: `${path}.relaxation`, stated: relaxation, expected: JSON.stringify(least) }]),
    ...(reason === reasonOf(least)
      ? []
      : [{ path: `${path}.reason`, stated: reason, expected: reasonOf(least) }]),
  ];
}

/** What is stated to stand against a bid must do so. */
function idleObstacles(passedOver: Unsold["passedOver"], path: string): Difference[] {
  return passedOver.flatMap(({ obstacles }, at) =>
    obstacles.flatMap(({ needs, is }, of) =>
      needs > is ? [] : [{ path: `${path}[${at}].obstacles[${of}]`, stated: needs, expected: `above ${is}` }],
    ),
  );
}
