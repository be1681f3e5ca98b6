/** Failpoints that a run may miss, each with the reason. A place is a call, or one of its places. */
export const ALLOWED: readonly { readonly place: string; readonly why: string }[] = [
  {
    place: "MarketRoom.addKey",
    why: "a Worker of the version before calls it; it is manageKeys under its old name",
  },
  { place: "MarketRoom.setPolicy", why: "the same of changePolicy" },
];
