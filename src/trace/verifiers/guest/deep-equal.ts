/**
 * Runs INSIDE the sandbox: structural equality in which the untrusted side cannot have a say.
 *
 * Leaves are compared by identity, so a proxy or a getter that lies must still produce the expected primitive.
 * The actual value's keys are read before the expected value is touched. Prototypes are not compared.
 */
const uncurry = Function.prototype.bind.bind(Function.prototype.call) as unknown as <
  T,
  A extends unknown[],
  R,
>(
  method: (this: T, ...args: A) => R,
) => (self: T, ...args: A) => R;
const NativeError = Error;
const { isArray } = Array;
const { create, keys, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const hasOwn = uncurry(Object.prototype.hasOwnProperty);
const timeOf = uncurry(Date.prototype.getTime);
const sourceOf = getter(RegExp.prototype, "source");
const flagsOf = getter(RegExp.prototype, "flags");
const mapSize = getter(Map.prototype, "size");
const setSize = getter(Set.prototype, "size");
const mapForEach = uncurry(Map.prototype.forEach) as (
  map: object,
  each: (value: unknown, key: unknown) => void,
) => void;
const setForEach = uncurry(Set.prototype.forEach) as (set: object, each: (value: unknown) => void) => void;

function getter(prototype: object, name: string): (self: object) => unknown {
  return uncurry(
    (getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor).get as (this: object) => unknown,
  );
}

/** `===`, except that NaN equals itself. */
export function same(left: unknown, right: unknown): boolean {
  return left === right || (left !== left && right !== right);
}

interface Pair {
  readonly actual: object;
  readonly expected: object;
  readonly next: Pair | null;
}

/** Equal in structure: primitives as in `same`, objects by kind and own enumerable fields, Map, Set, Date, RegExp and Error by content. */
export function deepEqual(actual: unknown, expected: unknown): boolean {
  return equal(actual, expected, null);
}

function equal(actual: unknown, expected: unknown, above: Pair | null): boolean {
  if (same(actual, expected)) return true;
  if (typeof actual !== "object" || typeof expected !== "object" || actual === null || expected === null)
    return false;
  for (let pair = above; pair !== null; pair = pair.next) {
    if (pair.actual === actual && pair.expected === expected) return true;
  }
  const inner: Pair = { actual, expected, next: above };
  if (isArray(actual) !== isArray(expected)) return false;
  if (isArray(actual) && actual.length !== (expected as unknown[]).length) return false;
  return (
    sameBrand(timeOf as (self: object) => unknown, inner) &&
    sameBrand(sourceOf, inner) &&
    sameBrand(flagsOf, inner) &&
    sameBrand(mapSize, inner) &&
    sameBrand(setSize, inner) &&
    sameError(actual, expected) &&
    sameMembers(inner) &&
    sameFields(inner)
  );
}

/** Whether `read`, which only one kind of object bears, gives the same on both or throws on both. */
function sameBrand(read: (self: object) => unknown, { actual, expected }: Pair): boolean {
  return same(brand(read, actual), brand(read, expected));
}

function brand(read: (self: object) => unknown, value: object): unknown {
  try {
    return read(value);
  } catch {
    return undefined;
  }
}

function sameError(actual: object, expected: object): boolean {
  if (!isInstance(expected, NativeError)) return !isInstance(actual, NativeError);
  const { name, message } = actual as Error;
  return (
    isInstance(actual, NativeError) &&
    name === (expected as Error).name &&
    message === (expected as Error).message
  );
}

/** `instanceof` by the chain of prototypes alone; `Symbol.hasInstance` is not asked. */
export function isInstance(value: unknown, kind: { readonly prototype?: unknown }): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  for (let up: unknown = getPrototypeOf(value); up !== null; up = getPrototypeOf(up))
    if (up === kind.prototype) return true;
  return false;
}

function sameFields({ actual, expected, next }: Pair): boolean {
  const actualKeys = keys(actual);
  const expectedKeys = keys(expected);
  if (actualKeys.length !== expectedKeys.length) return false;
  const inner: Pair = { actual, expected, next };
  for (let index = 0; index < expectedKeys.length; index += 1) {
    const key = expectedKeys[index] as keyof object;
    if (!hasOwn(actual, key) || !equal(actual[key], expected[key], inner)) return false;
  }
  return true;
}

interface Members {
  readonly count: number;
  readonly at: Record<number, { readonly key: unknown; readonly value: unknown }>;
}

/** The members of a Map or Set; empty for anything else. A record without a prototype, which no setter can reach into. */
function membersOf(value: object): Members {
  const at = create(null) as Record<number, { readonly key: unknown; readonly value: unknown }>;
  let count = 0;
  const add = (member: unknown, key: unknown): void => {
    at[count] = { key, value: member };
    count += 1;
  };
  if (brand(mapSize, value) !== undefined) mapForEach(value, add);
  else if (brand(setSize, value) !== undefined) setForEach(value, (member) => add(null, member));
  return { count, at };
}

function sameMembers(pair: Pair): boolean {
  const actual = membersOf(pair.actual);
  const expected = membersOf(pair.expected);
  const used = create(null) as Record<number, boolean>;
  for (let wanted = 0; wanted < expected.count; wanted += 1) {
    let found = -1;
    for (let index = 0; index < actual.count && found < 0; index += 1) {
      const have = actual.at[(wanted + index) % actual.count];
      const want = expected.at[wanted];
      if (have === undefined || want === undefined || used[(wanted + index) % actual.count] === true)
        continue;
      if (equal(have.key, want.key, pair) && equal(have.value, want.value, pair))
        found = (wanted + index) % actual.count;
    }
    if (found < 0) return false;
    used[found] = true;
  }
  return true;
}
