/**
 * An estimate of tokens: pieces of a text as a byte-pair tokeniser might cut them, about four characters each in
 * English and in source code. Joined, the pieces give the text back.
 */

// A leading space belongs to the word, as in common vocabularies; long words, numbers and runs of signs are cut.
const PIECE = / ?\p{L}{1,6}| ?\p{N}{1,3}|\s{1,4}(?=\s)|\s| ?[^\s\p{L}\p{N}]{1,2}/gu;

/** The pieces of a text, in order. */
export function tokenize(text: string): string[] {
  return text.match(PIECE) ?? [];
}

/** Number of tokens of a text. */
export function countTokens(text: string): number {
  return tokenize(text).length;
}
