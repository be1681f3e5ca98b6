/** What a market room offers for its tenant's own tools (over RPC: plain data in and out). */
import type { ToolId } from "../../market/ids.ts";
import type { Result } from "../../market/result.ts";
import type {
  Listing,
  SecretHeader,
  TenantTool,
  ToolAccess,
  ToolSettings,
} from "../../market/tools/tenant-tool.ts";
import type { IdempotencyConflict, IdempotentRequest, Replay } from "../idempotency.ts";

/** `by`: hash of the key that asks. */
export type ToolOrder = {
  readonly by: string;
  /** Of the order that makes one; null or absent: the client does not mind having it done again. */
  readonly idempotency?: IdempotentRequest | null;
} & (
  | { readonly kind: "list" }
  | {
      readonly kind: "create";
      readonly settings: ToolSettings;
      readonly secretHeader: SecretHeader | null;
      /** Of an MCP server; null: of an HTTP tool. */
      readonly listing: Listing | null;
    }
  | ({ readonly toolId: ToolId } & (
      | { readonly kind: "read" | "remove" }
      /** Absent `secretHeader`: the one that there is stays. */
      | {
          readonly kind: "change";
          readonly settings: ToolSettings;
          readonly secretHeader?: SecretHeader | null;
        }
      /** What the server said, asked as this version of the tool has it; of another version, it is nobody's. */
      | { readonly kind: "listed"; readonly version: number; readonly listing: Listing }
    ))
);

/** A tool as its tenant sees it. */
export type ToolView = Omit<TenantTool, "secretHeader"> &
  ToolSettings & {
    /** The end of the value, where it is long enough that this tells nothing. */
    readonly secretHeader: { readonly name: string; readonly lastChars: string | null } | null;
  };

export type ToolDeskRefusal =
  | {
      readonly reason:
        | "unauthenticated"
        | "forbidden"
        | "tool_not_found"
        | "too_many_tools"
        | "tool_name_taken"
        | IdempotencyConflict["reason"];
    }
  /** Of a change that a tool cannot take: another type, or another origin without its secret. */
  | { readonly reason: "tool_type_fixed" | "secret_for_other_origin" };

export interface ToolsTold {
  readonly tools: readonly ToolView[];
  /** Null or absent: it was done now. */
  readonly replay?: Replay | null;
}

export type ToolAnswer = Result<ToolsTold, ToolDeskRefusal>;

export interface ToolApi {
  manageTools(order: ToolOrder): Promise<ToolAnswer>;
  /** Where a tool is called by now, and the secret for there; null: it was removed. For the house's own calls alone. */
  toolAccess(toolId: ToolId): Promise<ToolAccess | null>;
}
