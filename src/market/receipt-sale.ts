/** What must hold of a sale as a receipt states it: who stood before whom, and what stood against them. */
import type { Clearing } from "./clear.ts";
import { standingsLeft } from "./escalation.ts";
import type { Difference } from "./receipt-difference.ts";
import type { Receipt } from "./receipt-schema.ts";
import { MAX_TAKEOVERS } from "./takeover.ts";
import { reasonOf, smallestRelaxation, standingsOf } from "./sale/sale.ts";

type Decision = Receipt["decision"];
type Sold = NonNullable<Extract<Decision, { readonly status: "cleared" }>["sale"]>;
type Cleared = Extract<Decision, { readonly status: "cleared" }>;
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

/** Each later attempt is of the best bid that stands of an agent not tried before, and that nothing stands against. */
export function escalationBreaches(
  { sale, escalations = [] }: Pick<Cleared, "sale" | "escalations">,
  { escalation }: Pick<Receipt["policy"], "escalation">,
  clearing: Clearing,
): Difference[] {
  const isChosen = sale?.chosenBy === "tenant";
  const path = "decision.escalations";
  const takeovers = escalations.filter(({ takesOver }) => takesOver === true).length;
  const tooMany = [
    ...above(path, {
      stated: escalations.length + 1 - takeovers,
      most: isChosen ? 1 : (escalation?.maxAttempts ?? 1),
      what: "attempts",
    }),
    ...above(path, { stated: takeovers, most: isChosen ? 0 : MAX_TAKEOVERS, what: "takeovers" }),
  ];
  const first = sale?.agentId ?? clearing.winner;
  const steps = escalations.map((one, at) => {
    const tried = [first, ...escalations.slice(0, at).map(({ agentId }) => agentId)];
    return escalationStep(one, { due: at + 2, left: standingsLeft(clearing, tried), path: `${path}[${at}]` });
  });
  return [...tooMany, ...steps.flat()];
}

function above(
  path: string,
  { stated, most, what }: { readonly stated: number; readonly most: number; readonly what: string },
): Difference[] {
  return stated > most ? [{ path, stated, expected: `at most ${most} ${what}` }] : [];
}

function escalationStep(
  { attempt, agentId, round, passedOver }: NonNullable<Cleared["escalations"]>[number],
  of: { readonly due: number; readonly left: ReturnType<typeof standingsLeft>; readonly path: string },
): Difference[] {
  const { due, left, path } = of;
  const place = left.findIndex((one) => one.agentId === agentId && one.round === round);
  const better = left.slice(0, Math.max(0, place)).map((one) => one.agentId);
  const stated = passedOver.map((one) => one.agentId).join(" ");
  return [
    ...(attempt === due ? [] : [{ path: `${path}.attempt`, stated: attempt, expected: `${due}` }]),
    ...(place >= 0
      ? []
      : [
          {
            path: `${path}.agentId`,
            stated: `${agentId} in round ${round}`,
            expected: "a bid that stands, of an agent that was not tried",
          },
        ]),
    ...(place >= 0 && stated !== better.join(" ")
      ? [{ path: `${path}.passedOver`, stated, expected: better.join(" ") }]
      : []),
    ...idleObstacles(passedOver, `${path}.passedOver`),
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
