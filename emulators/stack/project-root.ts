/** Absolute path of the repository: the stack reads the project's own files, wherever it is called from. */
import { join } from "node:path";

export const PROJECT_ROOT = join(import.meta.dirname, "..", "..");
