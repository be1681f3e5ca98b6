/** One planned assistant turn of a trace. */
export type Step =
  | {
      readonly kind: "read";
      readonly say: string;
      /** One call for each URL. */
      readonly urls: readonly string[];
      /** The error is part of the script: the next step repairs it. */
      readonly expectsError: boolean;
    }
  | { readonly kind: "run"; readonly say: string; readonly code: string; readonly expectsError: boolean }
  | { readonly kind: "submit"; readonly say: string; readonly result: string };
