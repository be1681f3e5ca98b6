/**
 * Where the platform may be asked to make a room (developers.cloudflare.com/durable-objects/reference/data-location).
 *
 * A hint, which the platform follows when an object is first asked for, and never afterwards.
 */
export const LOCATION_HINTS = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;

export type LocationHint = (typeof LOCATION_HINTS)[number];
