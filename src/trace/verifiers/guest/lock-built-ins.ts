/**
 * Runs INSIDE the sandbox, before a result is loaded: makes every built-in that exists as fixed as it was born.
 *
 * Tests lean on built-ins (`map`, `JSON.stringify`, `Promise.prototype.then`), so a result that could swap them could
 * swap the tests' eyes. What exists can no longer be changed; new names may still be added (a task may ask to extend
 * `Array.prototype`), except on `Object.prototype`.
 * A plain freeze would also forbid `this.name = "MyError"` on a child (the "override mistake"), hence the accessors.
 */
const { create, defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf, preventExtensions } =
  Object;
const { ownKeys } = Reflect;

/** Names that honest code sets on its own objects though a built-in prototype bears them. */
const OVERRIDDEN = new Set<PropertyKey>([
  "constructor",
  "toString",
  "toLocaleString",
  "valueOf",
  "name",
  "message",
  "stack",
  "toJSON",
]);

/** Locks all that can be reached from the global object and from syntax. Call it while no untrusted code has run. */
export function lockBuiltIns(): void {
  const seen = new Set<object>();
  const queue: object[] = [];
  const meet = (value: unknown): void => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value))
      return;
    seen.add(value);
    queue.push(value);
  };
  for (const key of ownKeys(globalThis)) meet((globalThis as Record<PropertyKey, unknown>)[key]);
  for (const hidden of bySyntax()) meet(hidden);
  for (let found = queue.pop(); found !== undefined; found = queue.pop()) {
    if (found === globalThis || found === (globalThis as { console?: unknown }).console) continue;
    meet(getPrototypeOf(found));
    for (const key of ownKeys(found)) {
      const descriptor = getOwnPropertyDescriptor(found, key) as PropertyDescriptor;
      meet(descriptor.value);
      meet(descriptor.get);
      meet(descriptor.set);
    }
  }
  seen.delete(globalThis);
  for (const found of seen) lock(found);
  preventExtensions(Object.prototype);
}

function bySyntax(): unknown[] {
  const functions = [async () => {}, function* () {}, async function* () {}];
  const iterators = [
    [][Symbol.iterator](),
    ""[Symbol.iterator](),
    new Map().entries(),
    new Set().values(),
    "".matchAll(/x/g),
    [].values().map(String),
  ];
  return [
    ...functions,
    ...functions.map((it) => getPrototypeOf(it) as unknown),
    ...iterators.map((it) => getPrototypeOf(it) as unknown),
  ];
}

function lock(owner: object): void {
  const isPrototype = hasOwnConstructor(owner);
  if (!isPrototype) {
    freeze(owner);
    return;
  }
  const all = owner === Object.prototype || owner === Function.prototype;
  for (const key of ownKeys(owner)) {
    const descriptor = getOwnPropertyDescriptor(owner, key) as PropertyDescriptor;
    if (descriptor.configurable !== true) {
      if (descriptor.writable === true) defineProperty(owner, key, { writable: false });
    } else if ("value" in descriptor && (all || OVERRIDDEN.has(key))) {
      defineProperty(owner, key, overridable(owner, key, descriptor));
    } else {
      defineProperty(
        owner,
        key,
        "value" in descriptor ? { writable: false, configurable: false } : { configurable: false },
      );
    }
  }
}

function hasOwnConstructor(owner: object): boolean {
  return typeof owner === "object"
    ? getOwnPropertyDescriptor(owner, "constructor") !== undefined
    : owner === Function.prototype;
}

/** Reads as before on the owner; an assignment to a child makes the child's own property, as it would without a lock. */
function overridable(
  owner: object,
  key: PropertyKey,
  { value, enumerable }: PropertyDescriptor,
): PropertyDescriptor {
  return assembled({
    get: () => value as unknown,
    set(this: unknown, next: unknown) {
      if (this === owner || (typeof this !== "object" && typeof this !== "function") || this === null) {
        throw new TypeError("built-ins cannot be changed here");
      }
      defineProperty(
        this,
        key,
        assembled({ value: next, writable: true, enumerable: true, configurable: true }),
      );
    },
    enumerable: enumerable === true,
    configurable: false,
  });
}

/** A descriptor without a prototype, so that nobody can slip a field into it. */
function assembled(fields: PropertyDescriptor): PropertyDescriptor {
  const descriptor = create(null) as PropertyDescriptor;
  for (const key of ownKeys(fields))
    (descriptor as Record<PropertyKey, unknown>)[key] = (fields as Record<PropertyKey, unknown>)[key];
  return descriptor;
}
