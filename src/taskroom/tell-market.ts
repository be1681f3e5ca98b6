/** Carries what the task's room owes to the market room, and takes its answers. */
import type { MarketRoomPort } from "./market-room-port.ts";
import type { Room, ToMarketRoom } from "./room.ts";

/** Bills that wait together are told together, and before an end that waits with them. */
export async function tellMarket(
  room: Room,
  market: MarketRoomPort,
  messages: readonly ToMarketRoom[],
): Promise<void> {
  const { taskId } = room.mustOpening();
  const calls = messages.flatMap((message) => (message.kind === "spent" ? [message.call] : []));
  if (calls.length > 0) await market.spent(taskId, calls);
  for (const message of messages) {
    if (message.kind === "waits") await market.waits(taskId, message.attempt);
    if (message.kind !== "ended" || !room.isReported(message.report)) continue;
    const { report } = message;
    const end = await market.ended(report);
    // Null: the next attempt's award is on its way, and ends the wait.
    if (end !== null) room.transact(() => room.finalise(report, end));
  }
}
