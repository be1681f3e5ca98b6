/** Hands recorded runs to the emulators, which serve them from then on. */
import type { Recording } from "./recording.ts";

/** @throws Error with the emulator's answer when it takes one of them not */
export async function uploadRecordings(emulatorUrl: string, recordings: readonly Recording[]): Promise<void> {
  for (const { name, text } of recordings) {
    const response = await fetch(`${emulatorUrl}/emulator/recordings/${encodeURIComponent(name)}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: text,
    });
    if (!response.ok)
      throw new Error(`the emulator does not take ${name}: ${response.status} ${await response.text()}`);
  }
}
