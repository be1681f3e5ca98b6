/** What a tenant says of a tool, as it comes in a request's body. */
import { z } from "zod";
import { nestsDeeperThan } from "../market/nesting.ts";
import { FILE_TOOL_NAMES } from "../market/task-files.ts";
import { TOOL_NAMES } from "../market/task.ts";
import {
  DEFAULT_TIMEOUT_MS,
  HTTP_TOOL_METHODS,
  MAX_REMOTE_NAME_CHARS,
  MAX_SCHEMA_CHARS,
  MAX_SCHEMA_NESTING,
  MAX_SECRET_CHARS,
  MAX_SECRET_FORM_CHARS,
  MAX_SERVER_TOOLS,
  MAX_TIMEOUT_MS,
  MAX_TOOL_DESCRIPTION_CHARS,
  MIN_SECRET_CHARS,
  MIN_TIMEOUT_MS,
  type JsonSchema,
} from "../market/tools/tenant-tool.ts";
import { nameFault } from "../market/tools/tool-name.ts";
import { SUBMIT_TOOL } from "../market/submission.ts";
import { writtenForms } from "../trace/tools/own/written-forms.ts";

const MAX_URL_CHARS = 2_048;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,100}$/;
/** What the house, the transport or the protocol sets itself. */
const FORBIDDEN_HEADER =
  /^(?:host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|via|forwarded|accept|user-agent|idempotency-key|x-real-ip|true-client-ip|last-event-id|(?:cf|mcp|x-forwarded|proxy|sec)-.*)$/i;
/** Visible ASCII with spaces between (RFC 9110 section 5.5). */
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

const secretHeader = z.strictObject({
  name: z
    .string()
    .regex(HEADER_NAME, "not the name of a header")
    .refine((name) => !FORBIDDEN_HEADER.test(name), "a header that is set already"),
  value: z
    .string()
    .min(MIN_SECRET_CHARS)
    .max(MAX_SECRET_CHARS, { abort: true })
    .regex(HEADER_VALUE, { error: "visible ASCII characters, with spaces between", abort: true })
    .refine(
      (value) => writtenForms(value).join("").length <= MAX_SECRET_FORM_CHARS,
      `more than can be hidden: with all of its parts, as JSON, URLs, HTML and base64 write them, at most ${MAX_SECRET_FORM_CHARS} characters`,
    ),
});

const inputSchema = z.record(z.string(), z.json()).transform((schema, context): JsonSchema => {
  const text = JSON.stringify(schema);
  if (schema["type"] !== "object") context.addIssue('a JSON schema with "type": "object"');
  if (text.length > MAX_SCHEMA_CHARS) context.addIssue(`at most ${MAX_SCHEMA_CHARS} characters of JSON`);
  if (nestsDeeperThan(text, MAX_SCHEMA_NESTING))
    context.addIssue(`nested deeper than ${MAX_SCHEMA_NESTING} levels`);
  if (/"\$(?:ref|dynamicRef)":"[^#]/.test(text))
    context.addIssue("a $ref leads nowhere outside of the schema");
  return schema;
});

const common = {
  name: z.string().min(1).max(100),
  url: z.string().min(1).max(MAX_URL_CHARS),
  /** For a call in all, its second request included. */
  timeoutMs: z.int().min(MIN_TIMEOUT_MS).max(MAX_TIMEOUT_MS).default(DEFAULT_TIMEOUT_MS),
  /** Absent, when a tool is changed: the one that it has stays. */
  secretHeader: secretHeader.nullable().exactOptional(),
};

export const toolSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("http"),
      ...common,
      description: z.string().min(1).max(MAX_TOOL_DESCRIPTION_CHARS),
      method: z.enum(HTTP_TOOL_METHODS).default("POST"),
      inputSchema,
    }),
    z.strictObject({
      type: z.literal("mcp"),
      ...common,
      description: z.string().max(MAX_TOOL_DESCRIPTION_CHARS).default(""),
      /** Of its tools, those of these names; null: all. */
      allow: z
        .array(z.string().min(1).max(MAX_REMOTE_NAME_CHARS))
        .min(1)
        .max(MAX_SERVER_TOOLS)
        .nullable()
        .default(null),
    }),
  ])
  .superRefine((tool, context) => {
    const fault = nameFault(tool, [...TOOL_NAMES, ...FILE_TOOL_NAMES, SUBMIT_TOOL]);
    if (fault !== null) context.addIssue({ code: "custom", path: ["name"], message: fault });
    const secret = tool.secretHeader?.value;
    if (secret === undefined) return;
    const { secretHeader: _secret, ...shown } = tool;
    if (JSON.stringify(shown).includes(secret))
      context.addIssue({
        code: "custom",
        path: ["secretHeader"],
        message: "it stands in what is shown, too",
      });
  });
