/** Reads the usage out of a stream of server-sent events, and hands every byte on as it came. */
import { z } from "zod";

const DATA = "data:";
const USAGE = /"usage"\s*:\s*\{/;
const eventSchema = z.looseObject({ usage: z.unknown() });

/** @param onUsage the raw usage of an event that has one; later ones replace earlier ones */
export function usageTap(onUsage: (usage: unknown) => void): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let rest = "";
  return new TransformStream({
    transform(bytes, controller) {
      controller.enqueue(bytes);
      const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const usage = usageOf(line);
        if (usage !== null) onUsage(usage);
      }
    },
  });
}

function usageOf(line: string): unknown {
  if (!line.startsWith(DATA) || !USAGE.test(line)) return null;
  try {
    return eventSchema.parse(JSON.parse(line.slice(DATA.length))).usage;
  } catch {
    return null;
  }
}
