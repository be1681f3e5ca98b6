/**
 * Runs INSIDE the sandbox: a value as text, much like JSON, for a model or a person to read.
 *
 * Never throws for what a value holds (throwing getters, revoked proxies, cycles); what it says about a value that
 * lies about itself may be a lie. Deterministic.
 */
const MAX_DEPTH = 6;
const MAX_ITEMS = 200;
const MAX_CHARS = 65_536;
const MAX_MESSAGE_CHARS = 3_000;
const MAX_STACK_CHARS = 600;

const uncurry = Function.prototype.bind.bind(Function.prototype.call) as unknown as <
  T,
  A extends unknown[],
  R,
>(
  method: (this: T, ...args: A) => R,
) => (self: T, ...args: A) => R;
const NativeError = Error;
const KINDS = [Date, RegExp, Map, Set];
const { isArray } = Array;
const { getPrototypeOf, keys } = Object;
const { stringify } = JSON;
const text = String;
const toISOString = uncurry(Date.prototype.toISOString);
const regexText = uncurry(RegExp.prototype.toString);
const mapForEach = uncurry(Map.prototype.forEach) as (
  map: unknown,
  each: (value: unknown, key: unknown) => void,
) => void;
const setForEach = uncurry(Set.prototype.forEach) as (set: unknown, each: (value: unknown) => void) => void;
const symbolText = uncurry(Symbol.prototype.toString);
const slice = uncurry(String.prototype.slice);

/** The value in words, at most 64 KiB of them; a cut is stated. */
export function inspect(value: unknown): string {
  let shown: string;
  try {
    shown = render(value, { depth: 0, above: null, budget: { chars: MAX_CHARS } });
  } catch (error) {
    shown = `[cannot be shown: ${describeError(error)}]`;
  }
  return shown.length > MAX_CHARS ? `${slice(shown, 0, MAX_CHARS)} [cut at 64 KiB]` : shown;
}

/** `Name: message` and the stack, as far as the error lets itself be read. */
export function describeError(error: unknown): string {
  try {
    if (typeof error !== "object" || error === null) return `thrown: ${inspect(error)}`;
    const { name, message, stack } = error as { name?: unknown; message?: unknown; stack?: unknown };
    const head = `${typeof name === "string" ? name : "Error"}: ${typeof message === "string" ? message : inspect(error)}`;
    const shown = slice(head, 0, MAX_MESSAGE_CHARS);
    return typeof stack === "string" && stack !== ""
      ? `${shown}\n${slice(stack, 0, MAX_STACK_CHARS)}`
      : shown;
  } catch {
    return "an error that cannot be described";
  }
}

interface Place {
  readonly depth: number;
  /** The containers above, innermost first. */
  readonly above: { readonly value: object; readonly next: Place["above"] } | null;
  readonly budget: { chars: number };
}

function render(value: unknown, place: Place): string {
  const shown = typeof value === "object" && value !== null ? renderObject(value, place) : renderPlain(value);
  place.budget.chars -= shown.length;
  return shown;
}

function renderPlain(value: unknown): string {
  switch (typeof value) {
    case "string":
      return stringify(value.length > MAX_CHARS ? `${slice(value, 0, MAX_CHARS)}…` : value);
    case "bigint":
      return `${text(value)}n`;
    case "symbol":
      return symbolText(value);
    case "function": {
      const { name } = value as { name?: unknown };
      return typeof name === "string" && name !== "" ? `[Function: ${name}]` : "[Function]";
    }
    default:
      return value === 0 && 1 / (value as number) < 0 ? "-0" : text(value);
  }
}

function renderObject(value: object, place: Place): string {
  for (let up = place.above; up !== null; up = up.next) if (up.value === value) return "[Circular]";
  if (place.depth >= MAX_DEPTH || place.budget.chars <= 0) return isArray(value) ? "[…]" : "{…}";
  const inner: Place = { depth: place.depth + 1, above: { value, next: place.above }, budget: place.budget };
  if (isArray(value)) return `[${listed(value.length, (index) => render(value[index], inner))}]`;
  return renderSpecial(value, inner) ?? renderFields(value, inner);
}

/** Built-in kinds that fields say nothing about; null for any other. */
function renderSpecial(value: object, inner: Place): string | null {
  if (value instanceof NativeError) return `[${describeError(value)}]`;
  const attempts = [
    () => toISOString(value as Date),
    () => regexText(value as RegExp),
    () => renderMap(value, inner),
    () => renderSet(value, inner),
  ];
  for (let index = 0; index < KINDS.length; index += 1) {
    if (!(value instanceof (KINDS[index] as typeof Date))) continue;
    try {
      return (attempts[index] as () => string)();
    } catch {
      return null;
    }
  }
  return null;
}

function renderMap(value: object, inner: Place): string {
  let shown = "";
  let count = 0;
  mapForEach(value, (item, key) => {
    if (count < MAX_ITEMS)
      shown += `${count === 0 ? "" : ", "}${render(key, inner)} => ${render(item, inner)}`;
    count += 1;
  });
  return `Map(${count}) {${shown}${count > MAX_ITEMS ? ", …" : ""}}`;
}

function renderSet(value: object, inner: Place): string {
  let shown = "";
  let count = 0;
  setForEach(value, (item) => {
    if (count < MAX_ITEMS) shown += `${count === 0 ? "" : ", "}${render(item, inner)}`;
    count += 1;
  });
  return `Set(${count}) {${shown}${count > MAX_ITEMS ? ", …" : ""}}`;
}

function renderFields(value: object, inner: Place): string {
  const names = keys(value);
  const fields = listed(names.length, (index) => {
    const name = names[index] as string;
    return `${stringify(name)}: ${render((value as Record<string, unknown>)[name], inner)}`;
  });
  const prototype = getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
  const kind = prototype?.constructor?.name;
  return `${typeof kind === "string" && kind !== "Object" && kind !== "" ? `${kind} ` : ""}{${fields}}`;
}

function listed(count: number, item: (index: number) => string): string {
  let shown = "";
  for (let index = 0; index < count && index < MAX_ITEMS; index += 1)
    shown += `${index === 0 ? "" : ", "}${item(index)}`;
  return count > MAX_ITEMS ? `${shown}, … ${text(count - MAX_ITEMS)} more` : shown;
}
