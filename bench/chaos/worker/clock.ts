/**
 * A clock that the bench can put forward: what waits for minutes (a dead consumer's claim, a webhook's next try, a quote
 * that nobody accepts) is seen to its end without waiting for it.
 */
const realNow = Date.now.bind(Date);
let aheadMs = 0;
Date.now = () => realNow() + aheadMs;

export function putForward(ms: number): void {
  aheadMs = ms;
}

/** The platform's alarms ring by the real clock. */
export function keepAlarmsReal({ storage }: DurableObjectState): void {
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = async (at, options) => setAlarm(Number(at) - aheadMs, options);
}
