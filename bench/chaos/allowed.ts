/** Failpoints that a run may miss, each with the reason. A place is a call, or one of its places. */
interface Allowed {
  readonly place: string;
  readonly why: string;
}

export const ALLOWED: readonly Allowed[] = [
  {
    place: "MarketRoom.addKey",
    why: "a Worker of the version before calls it; it is manageKeys under its old name",
  },
  { place: "MarketRoom.setPolicy", why: "the same of changePolicy" },
  { place: "TaskRoom.readTrace", why: "the same of readTracePage" },
  {
    place: "TaskRoom.webSocketMessage",
    why: "a listener that has read much says so, and streams are too short for it here; nothing is stored",
  },
  {
    place: "MarketRoom.alarm[history]",
    why: "it rings where a consumer that was called has not come for ten seconds, and lives are shorter here; it calls another one, as every commit does that leaves rows, at send[history]",
  },
];

/** @param name of a call, or of one of its places */
export function isAllowed(name: string): boolean {
  return ALLOWED.some(({ place }) => name === place || name.startsWith(`${place}.`));
}
