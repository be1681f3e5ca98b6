/** The event of a clearing, however the sale went. */
import type { Clearing } from "../market/clear.ts";
import type { TaskEventBody } from "../market/event.ts";

export function clearedEvent({
  winner,
  round,
  provisionalWinner,
  margin,
  first,
  refined,
}: Clearing): TaskEventBody {
  const decided = round === 2 ? refined : first;
  return {
    type: "auction-cleared",
    winner,
    round,
    provisionalWinner,
    margin,
    entropyUsed: decided?.terms.entropyUsed ?? false,
    ranking: decided?.ranking ?? [],
  };
}
