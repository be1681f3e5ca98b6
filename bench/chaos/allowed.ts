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
];
