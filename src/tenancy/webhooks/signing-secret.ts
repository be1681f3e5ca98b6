/** A new secret that requests are signed with, as Standard Webhooks has it. */

/** It asks for 24 to 64. */
const SECRET_BYTES = 32;

export function newSigningSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}
