/** The sandbox's memory, in pages of WebAssembly. */
export const PAGE_BYTES = 65_536;

/** Emscripten's data and 5 MiB C stack lie below the heap. */
export const STATIC_BYTES = 5_333_088;

/** Where the stack begins, which holds nothing between two calls. */
export const STACK_AT = STATIC_BYTES - 5 * 1024 * 1024;

/** What a run begins with: room for QuickJS itself and a small script. The module declares it. */
export const MIN_PAGES = 96;
