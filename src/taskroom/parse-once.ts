/** JSON documents as they were parsed last: of a name, the same text is parsed once. Whoever reads one must not change it. */
export class ParseOnce {
  readonly #parsed = new Map<string, { readonly body: string; readonly value: unknown }>();

  parse(name: string, body: string): unknown {
    const known = this.#parsed.get(name);
    if (known?.body === body) return known.value;
    const value: unknown = JSON.parse(body);
    this.#parsed.set(name, { body, value });
    return value;
  }
}
