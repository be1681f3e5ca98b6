/**
 * When the queue brings a message again that failed. Pure.
 *
 * Work comes again after 2, 10, 50 and 250 s, five times in all: an outage of five minutes goes by without a dead letter,
 * and what fails every time has cost five calls at most. A dead letter that cannot be told is told again for as long as
 * the queue keeps it.
 */

/** Deliveries of a message, the first included: `max_retries` of the work queue, and one. */
export const WORK_DELIVERIES = 5;
const GROWTH = 5;
const DEAD_FIRST_S = 30;
const DEAD_LONGEST_S = 3_600;

/**
 * @param attempts deliveries so far, this one included
 * @param baseS the first wait, in seconds
 */
export function workDelayS(attempts: number, baseS: number): number {
  return baseS * GROWTH ** (attempts - 1);
}

/** Of a dead letter, and of what else must not get lost: 30 s, doubled up to an hour. */
export function deadDelayS(attempts: number): number {
  return Math.min(DEAD_LONGEST_S, DEAD_FIRST_S * 2 ** Math.min(attempts - 1, 10));
}
