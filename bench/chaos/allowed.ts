/** Failpoints that a run may miss, each with the reason. A place is a call, or one of its places. */
interface Allowed {
  readonly place: string;
  readonly why: string;
}

const DEAD_LETTERS = [
  "TaskRoom.buryTrace",
  "TaskRoom.failTrace",
  "TaskRoom.redrive",
  "MarketRoom.buryAuction",
  "MarketRoom.failAuction",
  "MarketRoom.redriveStuck",
  "MarketRoom.dismissStuck",
];

export const ALLOWED: readonly Allowed[] = [
  {
    place: "MarketRoom.addKey",
    why: "a Worker of the version before calls it; it is manageKeys under its old name",
  },
  { place: "MarketRoom.setPolicy", why: "the same of changePolicy" },
  {
    place: "MarketRoom.toolAccess",
    why: "no tenant of this workload has tools of its own; it reads",
  },
  ...DEAD_LETTERS.map((place) => ({
    place,
    why: "dead letters: work has to fail by itself several times, which no provider's fault makes it do; test/workerd/rooms/dead-letters.test.ts and its neighbours",
  })),
];
