/** A tenant's policy as one document: what a version of it is, what a change makes of it, and what changed. Pure. */
import type { Weights } from "./policy.ts";
import { canonicalJson } from "./receipt-json.ts";
import { OPEN_MARKET, type TenantMarket } from "./tenant-market.ts";

/** Figures of the fit that weights come from, as `npm run fit` reports them. */
export type FitFigures = Readonly<Record<string, unknown>>;

/** What a tenant has of weights; the two fits do not replace each other. */
export interface PolicyWeights {
  /** Fitted to the worst task (the paper's min–max), or set by hand; null: the pool's default weights hold. */
  readonly weights: Weights | null;
  readonly fit: FitFigures | null;
  /** Fitted to the mean over tasks, for `sale:weights=mean`; null: there are none. */
  readonly meanWeights: Weights | null;
  readonly meanFit: FitFigures | null;
}

export interface PolicyDocument extends PolicyWeights, TenantMarket {
  /** Of the policy of tasks that name none. */
  readonly name: string;
}

/** What is not named stays as it is. */
export type PolicyChange = Partial<PolicyDocument>;

export type PolicyField = keyof PolicyDocument;

/** Fields that are the operator's alone: money, names of secrets, and figures that nobody computes here. */
export const OPERATOR_FIELDS = ["agents", "prices", "fit", "meanFit"] as const satisfies PolicyField[];

/** What documents of earlier versions lack. */
const BLANK: PolicyDocument = {
  name: "sale",
  weights: null,
  fit: null,
  meanWeights: null,
  meanFit: null,
  ...OPEN_MARKET,
};

const FIELDS = Object.keys(BLANK) as PolicyField[];

/** A document as some version stored it. */
export function storedDocument(stored: Partial<PolicyDocument>): PolicyDocument {
  return { ...BLANK, ...stored };
}

/** The document after a change. New weights that come without figures have none. */
export function withChange(before: PolicyDocument, change: PolicyChange): PolicyDocument {
  const isNew = (field: "weights" | "meanWeights") =>
    change[field] !== undefined && !same(change[field], before[field]);
  return {
    ...before,
    ...(isNew("weights") && { fit: null }),
    ...(isNew("meanWeights") && { meanFit: null }),
    ...change,
  };
}

/** A field whose value changed. */
export interface FieldChange {
  readonly field: PolicyField;
  readonly before: unknown;
  readonly after: unknown;
}

export function changesBetween(before: PolicyDocument, after: PolicyDocument): FieldChange[] {
  return FIELDS.filter((field) => !same(before[field], after[field])).map((field) => ({
    field,
    before: before[field],
    after: after[field],
  }));
}

function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
