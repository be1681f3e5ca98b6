/** How alike two tasks are: the cosine of their embeddings (auction.md, step 5). */

/**
 * Cosine similarity, −1 to 1.
 *
 * 0, "nothing in common", where there is no angle: a vector without length, or vectors of different dimension, which
 * stand side by side in a window while the embedding model is being changed.
 */
export function cosine(a: Float32Array | readonly number[], b: Float32Array | readonly number[]): number {
  if (a.length !== b.length) return 0;
  let dot = 0;
  let squareOfA = 0;
  let squareOfB = 0;
  for (let at = 0; at < a.length; at++) {
    const x = a[at] ?? 0;
    const y = b[at] ?? 0;
    dot += x * y;
    squareOfA += x * x;
    squareOfB += y * y;
  }
  const lengths = Math.sqrt(squareOfA) * Math.sqrt(squareOfB);
  // Rounding may pass the bounds by an ulp, which a threshold of exactly 1 would notice.
  return lengths === 0 ? 0 : Math.min(1, Math.max(-1, dot / lengths));
}
