/** Prices of the models that were recorded, in USD per million tokens. */
export interface RecordedPrice {
  readonly usdPerMtok: { readonly input: number; readonly cachedInput: number; readonly output: number };
  /** Where they were read. */
  readonly source: string;
}

const KNOWN: Readonly<Record<string, RecordedPrice>> = {
  "gemini-3-pro-preview": {
    usdPerMtok: { input: 2, cachedInput: 0.2, output: 12 },
    source:
      "Google's list price for Gemini 3 Pro Preview, prompts up to 200,000 tokens; the recorded cost of each call fits it",
  },
};

const FLAT: RecordedPrice = {
  usdPerMtok: { input: 1, cachedInput: 1, output: 1 },
  source: "none: no price is known here for this model; 1 USD per million tokens of any kind stands in",
};

export function recordedPrice(model: string): RecordedPrice {
  return Object.hasOwn(KNOWN, model) ? (KNOWN[model] ?? FLAT) : FLAT;
}
