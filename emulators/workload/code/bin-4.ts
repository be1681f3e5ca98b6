/** Coding tasks of the fourth bin: state over time, graphs, backtracking. */
import { slip, SOURCE_ONLY, type TaskBody, tasksOf, unitTests } from "../task.ts";

const lruSource = String.raw`function createCache(capacity, ttlMs) {
  const entries = new Map();
  const alive = (key, now) => {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    if (now - entry.at >= ttlMs) {
      entries.delete(key);
      return undefined;
    }
    return entry;
  };
  return {
    get(key, now) {
      const entry = alive(key, now);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, now) {
      entries.delete(key);
      for (const other of [...entries.keys()]) alive(other, now);
      if (entries.size >= capacity) entries.delete(entries.keys().next().value);
      entries.set(key, { value, at: now });
    },
    size(now) {
      for (const key of [...entries.keys()]) alive(key, now);
      return entries.size;
    },
  };
}`;

const lruTtl: TaskBody = {
  id: "lru-ttl-cache",
  prompt: `Write a function createCache(capacity, ttlMs) that returns a cache object with get(key, now), set(key, value, now) and size(now); now is the current time in milliseconds, which the caller passes in. An entry expires when ttlMs or more have passed since it was last set (reading does not prolong it). get returns undefined for missing and expired entries. When a set needs room, expired entries go first; only if there is none is the least recently used entry evicted, where both get and set count as use. Setting an existing key replaces it and evicts nothing else. size counts entries that are not expired. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("stores", () => { const c = createCache(2, 100); c.set("a", 1, 0); assert.equal(c.get("a", 50), 1); assert.equal(c.get("b", 50), undefined); });
test("expires at ttl", () => { const c = createCache(2, 100); c.set("a", 1, 0); assert.equal(c.get("a", 99), 1); assert.equal(c.get("a", 100), undefined); });
test("reading does not prolong", () => { const c = createCache(2, 100); c.set("a", 1, 0); c.get("a", 90); assert.equal(c.get("a", 120), undefined); });
test("setting prolongs", () => { const c = createCache(2, 100); c.set("a", 1, 0); c.set("a", 2, 90); assert.equal(c.get("a", 120), 2); });
test("evicts the least recently used", () => { const c = createCache(2, 1000); c.set("a", 1, 0); c.set("b", 2, 1); c.get("a", 2); c.set("c", 3, 3); assert.equal(c.get("b", 4), undefined); assert.equal(c.get("a", 4), 1); });
test("expired entries go first", () => { const c = createCache(2, 100); c.set("a", 1, 0); c.set("b", 2, 50); c.get("a", 60); c.set("c", 3, 110); assert.equal(c.get("b", 120), 2); assert.equal(c.get("c", 120), 3); });
test("replacing evicts nothing", () => { const c = createCache(2, 1000); c.set("a", 1, 0); c.set("b", 2, 1); c.set("b", 3, 2); assert.equal(c.get("a", 3), 1); assert.equal(c.size(3), 2); });
test("size", () => { const c = createCache(3, 100); c.set("a", 1, 0); c.set("b", 2, 60); assert.equal(c.size(99), 2); assert.equal(c.size(100), 1); });
test("undefined is a value", () => { const c = createCache(1, 100); c.set("a", undefined, 0); assert.equal(c.size(1), 1); });
`),
  solutions: {
    right: lruSource,
    wrong: [
      slip(lruSource, ">= ttlMs", "> ttlMs", "keeps an entry alive at exactly its time to live"),
      slip(
        lruSource,
        "entries.set(key, entry);",
        "entries.set(key, { ...entry, at: now });",
        "lets reading prolong an entry",
      ),
      slip(
        lruSource,
        "      for (const other of [...entries.keys()]) alive(other, now);\n",
        "",
        "evicts a live entry while an expired one remains",
      ),
      slip(
        lruSource,
        "      entries.delete(key);\n      entries.set(key, entry);\n",
        "",
        "does not count get as use",
      ),
    ],
  },
  plan: {
    subGoals: [
      "keep entries in a Map whose order is the order of use",
      "treat an entry as expired when ttlMs or more have passed since it was set",
      "move an entry to the end on get without touching its time",
      "drop expired entries before evicting the least recently used on set",
      "let set on an existing key replace it without evicting",
      "count only entries that are not expired in size",
    ],
    pitfalls: [
      "the exact moment when ttlMs have passed",
      "reading that would prolong an entry",
      "an expired entry that is more recently used than a live one",
      "replacing a key at full capacity",
      "undefined stored as a value",
    ],
    checks: [
      "run createCache with capacity 2 through get and set at chosen times",
      "test get at ttlMs minus one and at ttlMs with run_javascript",
      "test that replacing a key leaves the size alone",
    ],
  },
  working: [
    '(() => { const c = createCache(2, 100); c.set("a", 1, 0); return [c.get("a", 99), c.get("a", 100)]; })()',
    '(() => { const c = createCache(2, 1000); c.set("a", 1, 0); c.set("b", 2, 1); c.get("a", 2); c.set("c", 3, 3); return c.get("b", 4) === undefined; })()',
    '(() => { const c = createCache(3, 100); c.set("a", 1, 0); return c.size(100); })()',
  ],
};

const topoSource = String.raw`function buildOrder(graph) {
  const nodes = new Set(Object.keys(graph));
  for (const needs of Object.values(graph)) for (const need of needs) nodes.add(need);
  const names = [...nodes].sort();
  const done = new Set();
  const order = [];
  while (order.length < names.length) {
    const ready = names.find((n) => !done.has(n) && (graph[n] ?? []).every((need) => done.has(need)));
    if (ready === undefined) break;
    done.add(ready);
    order.push(ready);
  }
  if (order.length === names.length) return { order, cycle: null };
  const path = [];
  let at = names.find((n) => !done.has(n));
  while (!path.includes(at)) {
    path.push(at);
    at = [...graph[at]].sort().find((need) => !done.has(need));
  }
  const loop = path.slice(path.indexOf(at));
  const first = loop.indexOf([...loop].sort()[0]);
  return { order: null, cycle: [...loop.slice(first), ...loop.slice(0, first)] };
}`;

const topologicalOrder: TaskBody = {
  id: "build-order",
  prompt: `Write a function buildOrder(graph). graph is an object from a name to the array of names that it needs; names that are only needed have no entry of their own but belong to the graph. If everything can be built, return {order, cycle: null} where order lists every name after all that it needs; whenever several names are ready, the alphabetically first is built next. Otherwise return {order: null, cycle} for the cycle that is found like this: start at the alphabetically first name that cannot be built, go on to the alphabetically first needed name that cannot be built, and so on until a name repeats. The cycle lists its names in needing order (each needs the next, the last needs the first), without the names that only led to it, starting with its alphabetically first name. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("chain", () => assert.deepEqual(buildOrder({ c: ["b"], b: ["a"] }), { order: ["a", "b", "c"], cycle: null }));
test("alphabetical among the ready", () => assert.deepEqual(buildOrder({ a: ["z"], b: [], z: [] }).order, ["b", "z", "a"]));
test("ready again at once", () => assert.deepEqual(buildOrder({ a: ["m"], m: [], z: [] }).order, ["m", "a", "z"]));
test("empty", () => assert.deepEqual(buildOrder({}), { order: [], cycle: null }));
test("self", () => assert.deepEqual(buildOrder({ a: ["a"] }), { order: null, cycle: ["a"] }));
test("cycle", () => assert.deepEqual(buildOrder({ b: ["c"], c: ["a"], a: ["b"] }), { order: null, cycle: ["a", "b", "c"] }));
test("lead-in is left out", () => assert.deepEqual(buildOrder({ a: ["x"], x: ["y"], y: ["x"] }), { order: null, cycle: ["x", "y"] }));
test("cycle rotated", () => assert.deepEqual(buildOrder({ a: ["q"], q: ["c"], c: ["q"] }), { order: null, cycle: ["c", "q"] }));
test("buildable needs are skipped", () => assert.deepEqual(buildOrder({ b: ["a", "c"], c: ["b"] }), { order: null, cycle: ["b", "c"] }));
`),
  solutions: {
    right: topoSource,
    wrong: [
      slip(topoSource, "path.slice(path.indexOf(at))", "path", "keeps the names that only led to the cycle"),
      slip(
        topoSource,
        "  for (const needs of Object.values(graph)) for (const need of needs) nodes.add(need);\n",
        "",
        "forgets names without an entry",
      ),
      slip(
        topoSource,
        "[...loop.slice(first), ...loop.slice(0, first)]",
        "loop",
        "starts the cycle anywhere",
      ),
      slip(
        topoSource,
        "  while (order.length < names.length) {\n    const ready = names.find(",
        "  while (order.length < names.length) {\n    const ready = [...names].reverse().find(",
        "builds the last of the ready names first",
      ),
    ],
  },
  plan: {
    subGoals: [
      "collect all names of the graph, also those that are only needed",
      "build the alphabetically first ready name again and again",
      "return the order when every name is built",
      "otherwise walk needed names that cannot be built until a name repeats",
      "cut off the names that only led to the cycle",
      "start the cycle with its alphabetically first name",
    ],
    pitfalls: [
      "names without an entry of their own",
      "a name that needs itself",
      "several names ready at once",
      "the lead-in to the cycle",
      "needed names that can be built while walking the cycle",
    ],
    checks: [
      "run buildOrder on a chain, an empty graph and a self cycle",
      "check with run_javascript that each name comes after all that it needs",
      "test a cycle with a lead-in",
    ],
  },
  working: [
    'buildOrder({ c: ["b"], b: ["a"] })',
    'buildOrder({ a: ["x"], x: ["y"], y: ["x"] })',
    'buildOrder({ a: ["a"] })',
  ],
};

const globSource = String.raw`function globMatch(pattern, path) {
  const match = (p, t) => {
    if (p === pattern.length) return t === path.length;
    const char = pattern[p];
    if (char === "*" && pattern[p + 1] === "*") {
      for (let end = t; end <= path.length; end += 1) if (match(p + 2, end)) return true;
      return false;
    }
    if (char === "*") {
      for (let end = t; end <= path.length; end += 1) {
        if (match(p + 1, end)) return true;
        if (path[end] === "/") return false;
      }
      return false;
    }
    if (t === path.length) return false;
    if (char === "?") return path[t] !== "/" && match(p + 1, t + 1);
    if (char === "[") {
      const close = pattern.indexOf("]", p + 2);
      if (close === -1) return path[t] === "[" && match(p + 1, t + 1);
      const negated = pattern[p + 1] === "!";
      const set = pattern.slice(p + (negated ? 2 : 1), close);
      let found = false;
      for (let i = 0; i < set.length; i += 1) {
        if (set[i + 1] === "-" && i + 2 < set.length) {
          if (path[t] >= set[i] && path[t] <= set[i + 2]) found = true;
          i += 2;
        } else if (set[i] === path[t]) found = true;
      }
      return path[t] !== "/" && found !== negated && match(close + 1, t + 1);
    }
    return path[t] === char && match(p + 1, t + 1);
  };
  return match(0, 0);
}`;

const globMatch: TaskBody = {
  id: "glob-match",
  prompt: `Write a function globMatch(pattern, path) that tells whether a whole path matches a glob pattern. "?" matches one character, "*" any number of characters (also none), both never a slash; "**" matches any number of characters including slashes. "[abc]" matches one of the characters, "[a-f]" a range by character code, both may be combined, "[!...]" negates; a set never matches a slash. A "[" without a "]" stands for itself; a "]" right behind "[" does not close the set. All other characters stand for themselves, also those with a meaning in regular expressions. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("literal", () => { assert.equal(globMatch("a.c", "a.c"), true); assert.equal(globMatch("a.c", "abc"), false); });
test("question mark", () => { assert.equal(globMatch("a?c", "abc"), true); assert.equal(globMatch("a?c", "a/c"), false); assert.equal(globMatch("a?", "a"), false); });
test("star", () => { assert.equal(globMatch("*.js", "x.js"), true); assert.equal(globMatch("*.js", ".js"), true); assert.equal(globMatch("*.js", "d/x.js"), false); });
test("star backtracks", () => assert.equal(globMatch("a*b*c", "aXbYbZc"), true));
test("star in a folder", () => assert.equal(globMatch("src/*/x", "src/a/x"), true));
test("double star", () => { assert.equal(globMatch("src/**.ts", "src/a/b.ts"), true); assert.equal(globMatch("**", ""), true); });
test("set", () => { assert.equal(globMatch("[abc]x", "bx"), true); assert.equal(globMatch("[a-cx]1", "x1"), true); assert.equal(globMatch("[a-c]", "d"), false); });
test("negated", () => { assert.equal(globMatch("[!a-c]", "d"), true); assert.equal(globMatch("[!a-c]", "b"), false); assert.equal(globMatch("a[!b]c", "a/c"), false); });
test("open bracket", () => assert.equal(globMatch("a[b", "a[b"), true));
test("bracket in a set", () => assert.equal(globMatch("[]]", "]"), true));
test("whole path", () => assert.equal(globMatch("b", "abc"), false));
`),
  solutions: {
    right: globSource,
    wrong: [
      slip(
        globSource,
        '        if (path[end] === "/") return false;\n',
        "",
        "lets a single star match a slash",
      ),
      slip(globSource, 'pattern.indexOf("]", p + 2)', 'pattern.indexOf("]", p + 1)', "closes a set at once"),
      slip(globSource, 'return path[t] !== "/" && found', "return found", "lets a negated set match a slash"),
      slip(globSource, "i + 2 < set.length", "false", "does not know ranges"),
    ],
  },
  plan: {
    subGoals: [
      "match pattern and path together with backtracking from the left",
      "let * try every length without crossing a slash and ** with slashes",
      "let ? match one character that is no slash",
      "read a set with ranges and negation up to its closing bracket",
      "treat all other characters as themselves",
    ],
    pitfalls: [
      "a slash matched by *, ? or a negated set",
      "a bracket right behind the opening one",
      "characters with a meaning in regular expressions",
      "a star that must match none",
      "the whole path and not only a part",
    ],
    checks: [
      "run globMatch on *.js with and without a folder",
      "run a*b*c where the star must backtrack",
      "test sets, ranges and negated sets with run_javascript",
    ],
  },
  working: ['globMatch("*.js", "d/x.js")', 'globMatch("a*b*c", "aXbYbZc")', 'globMatch("[!a-c]", "d")'],
};

export const codeBin4 = tasksOf("code", 4, [lruTtl, topologicalOrder, globMatch]);
