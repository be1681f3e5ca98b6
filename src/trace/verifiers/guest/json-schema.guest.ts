/**
 * Runs INSIDE the sandbox: @cfworker/json-schema over one schema and one document.
 *
 * It is in here because a schema's `pattern` is tenant text that becomes a RegExp; nothing in here is executed for
 * anybody, the schema and the document are data.
 */
// First: the validator makes a URL while it loads.
import { SchemaUrl } from "./url.ts";
import { Validator } from "@cfworker/json-schema";
import type { Schema } from "@cfworker/json-schema";

const MAX_SHOWN = 12;

void SchemaUrl;

/** `kind`: valid, invalid, not-json (the document), bad-schema. `detail`: what is wrong, for a person. */
export default function validate(schemaText: string, documentText: string): { kind: string; detail: string } {
  let document: unknown;
  try {
    document = JSON.parse(documentText);
  } catch (error) {
    return { kind: "not-json", detail: String(error) };
  }
  try {
    const { valid, errors } = new Validator(
      JSON.parse(schemaText) as Schema | boolean,
      "2020-12",
      false,
    ).validate(document);
    if (valid) return { kind: "valid", detail: "" };
    const lines = errors
      .slice(0, MAX_SHOWN)
      .map((it) => `${it.instanceLocation}: ${it.error} (${it.keywordLocation})`);
    return {
      kind: "invalid",
      detail: [
        ...lines,
        ...(errors.length > MAX_SHOWN ? [`… and ${errors.length - MAX_SHOWN} more`] : []),
      ].join("\n"),
    };
  } catch (error) {
    return { kind: "bad-schema", detail: String(error) };
  }
}
