/**
 * The clock that QuickJS sees: a fixed time, in UTC.
 *
 * Emscripten would ask the host for its time and zone, and a script would then give another result elsewhere.
 */

/** Offsets of C's `struct tm` in musl, bytes. */
const TM = {
  sec: 0,
  min: 4,
  hour: 8,
  mday: 12,
  mon: 16,
  year: 20,
  wday: 24,
  yday: 28,
  isdst: 32,
  gmtoff: 36,
} as const;

const DAY_MS = 86_400_000;

/** What a call costs: work of the host that the gauge in the machine code does not see. */
const LOCAL_TIME_FUEL = 1_000;

export interface ClockOptions {
  readonly memory: WebAssembly.Memory;
  readonly nowMs: () => number;
  /** Takes units of fuel for the host's work. */
  readonly charge: (units: number) => void;
}

/** The imports of the module `clock` (see build/meter-text.ts). */
export function clockImports({ memory, nowMs, charge }: ClockOptions): WebAssembly.ModuleImports {
  return {
    now_ms: nowMs,
    local_time: (seconds: bigint, at: number) => {
      charge(LOCAL_TIME_FUEL);
      writeTm(new DataView(memory.buffer), at, Number(seconds) * 1_000);
    },
    time_zone: (offsetAt: number, daylightAt: number, nameAt: number, summerNameAt: number) => {
      const view = new DataView(memory.buffer);
      view.setInt32(offsetAt, 0, true);
      view.setInt32(daylightAt, 0, true);
      for (const at of [nameAt, summerNameAt]) new Uint8Array(memory.buffer).set([0x55, 0x54, 0x43, 0], at);
    },
  };
}

function writeTm(view: DataView, at: number, timeMs: number): void {
  const date = new Date(timeMs);
  const year = date.getUTCFullYear();
  const put = (offset: number, value: number): void => view.setInt32(at + offset, value, true);
  put(TM.sec, date.getUTCSeconds());
  put(TM.min, date.getUTCMinutes());
  put(TM.hour, date.getUTCHours());
  put(TM.mday, date.getUTCDate());
  put(TM.mon, date.getUTCMonth());
  put(TM.year, year - 1900);
  put(TM.wday, date.getUTCDay());
  put(TM.yday, Math.floor((date.setUTCHours(0, 0, 0, 0) - Date.UTC(year, 0, 1)) / DAY_MS));
  put(TM.isdst, 0);
  put(TM.gmtoff, 0);
}
