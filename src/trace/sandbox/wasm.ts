/** The one place that imports the metered QuickJS as a compiled module (wrangler's CompiledWasm rule); Node tests compile the file themselves. */
import wasmModule from "./quickjs-metered.wasm";

export { wasmModule };
