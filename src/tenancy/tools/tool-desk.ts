/**
 * The management of a tenant's tools by its own keys: `read` looks, `admin` changes.
 *
 * Called inside the market room's transactions, which ask again who may, at the moment of the change.
 */
import { newId, type Source, type ToolId } from "../../market/ids.ts";
import { fail, ok, type Result } from "../../market/result.ts";
import { MAX_TENANT_TOOLS, type TenantTool } from "../../market/tools/tenant-tool.ts";
import type { NamedRequest } from "../idempotency.ts";
import type { KeyStore } from "../key-store.ts";
import type { Replays } from "../replays.ts";
import type { ToolAnswer, ToolDeskRefusal, ToolOrder, ToolsTold, ToolView } from "./tool-api.ts";
import type { ToolStore } from "./tool-store.ts";

export interface ToolDeskParts {
  readonly store: ToolStore;
  readonly keys: KeyStore;
  readonly replays: Replays;
  readonly source: Source;
}

type Order<K extends ToolOrder["kind"]> = Extract<ToolOrder, { readonly kind: K }>;
/** Orders about a tool that is there. */
type Naming = Extract<ToolOrder, { readonly toolId: ToolId }>;

/** Of a secret that long, so many characters at its end are shown. */
const SHOWS_END_FROM_CHARS = 20;
const SHOWN_CHARS = 4;

export class ToolDesk {
  readonly #parts: ToolDeskParts;

  constructor(parts: ToolDeskParts) {
    this.#parts = parts;
  }

  /** @param request the order's Idempotency-Key, completed; null: it has none */
  carryOut(order: ToolOrder, request: NamedRequest | null): ToolAnswer {
    const { keys, source, replays } = this.#parts;
    const key = keys.use(order.by, source.now());
    if (key === null) return fail({ reason: "unauthenticated" });
    const reads = order.kind === "list" || order.kind === "read";
    if (!key.scopes.includes(reads ? "read" : "admin")) return fail({ reason: "forbidden" });
    const once = replays.once(
      { request, scope: key.account },
      {
        make: () => this.#obey(order),
        keep: (answer: ToolsTold) => answer,
        again: (answer) => answer,
      },
    );
    return once.ok ? ok({ ...once.value.value, replay: once.value.replay ?? null }) : once;
  }

  #obey(order: ToolOrder): ToolAnswer {
    const { store } = this.#parts;
    if (order.kind === "list") return ok({ tools: store.all().map(viewOf) });
    if (order.kind === "create") return shown(this.#create(order));
    const tool = store.find(order.toolId);
    return tool === null ? fail({ reason: "tool_not_found" }) : shown(this.#named(order, tool));
  }

  #create({ settings, secretHeader, listing }: Order<"create">): Result<TenantTool, ToolDeskRefusal> {
    const { store, source } = this.#parts;
    const names = store.names();
    if (names.includes(settings.name)) return fail({ reason: "tool_name_taken" });
    if (names.length >= MAX_TENANT_TOOLS) return fail({ reason: "too_many_tools" });
    const nowMs = source.now();
    const toolId = newId("tol", source);
    const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
    return this.#kept({ ...settings, toolId, secretHeader, listing, version: 1, ...times });
  }

  #named(order: Naming, tool: TenantTool): Result<TenantTool, ToolDeskRefusal> {
    switch (order.kind) {
      case "read":
        return ok(tool);
      case "remove":
        this.#parts.store.remove(tool.toolId);
        return ok(tool);
      case "change":
        return this.#change(order, tool);
      case "listed":
        return order.version === tool.version ? this.#kept({ ...tool, listing: order.listing }) : ok(tool);
    }
  }

  #change(order: Order<"change">, tool: TenantTool): Result<TenantTool, ToolDeskRefusal> {
    const { settings } = order;
    if (settings.type !== tool.type) return fail({ reason: "tool_type_fixed" });
    const named = this.#parts.store.named(settings.name);
    if (named !== null && named.toolId !== tool.toolId) return fail({ reason: "tool_name_taken" });
    // Whoever may change an address may not learn the secret by it.
    const moves = new URL(settings.url).origin !== new URL(tool.url).origin;
    if (order.secretHeader === undefined && tool.secretHeader !== null && moves)
      return fail({ reason: "secret_for_other_origin" });
    const { secretHeader = tool.secretHeader } = order;
    const { toolId, createdAtMs } = tool;
    // Names of a server's tools begin with its own: what was listed under another name, or elsewhere, is listed anew.
    const listing = settings.name === tool.name && settings.url === tool.url ? tool.listing : null;
    const version = tool.version + 1;
    const updatedAtMs = this.#parts.source.now();
    return this.#kept({ ...settings, toolId, secretHeader, listing, version, createdAtMs, updatedAtMs });
  }

  #kept(tool: TenantTool): Result<TenantTool, never> {
    this.#parts.store.put(tool);
    return ok(tool);
  }
}

function shown(found: Result<TenantTool, ToolDeskRefusal>): ToolAnswer {
  return found.ok ? ok({ tools: [viewOf(found.value)] }) : found;
}

function viewOf({ secretHeader, ...tool }: TenantTool): ToolView {
  if (secretHeader === null) return { ...tool, secretHeader };
  const { name, value } = secretHeader;
  const lastChars = value.length < SHOWS_END_FROM_CHARS ? null : value.slice(-SHOWN_CHARS);
  return { ...tool, secretHeader: { name, lastChars } };
}
