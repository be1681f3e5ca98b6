/** Reads out of a stream of server-sent events what stands beside the words, and hands every byte on as it came. */

const DATA = "data:";
/** Most events are words alone, and are not worth reading twice. */
const BESIDE_WORDS = /"usage"\s*:\s*\{|"finish_reason"\s*:\s*"|"errors?"\s*:\s*[{["]/;

/** @param onEvent hears each event that has a usage, says how the answer ended, or tells an error */
export function usageTap(onEvent: (event: unknown) => void): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let rest = "";
  const read = (line: string): void => {
    const event = eventOf(line);
    if (event !== null) onEvent(event);
  };
  return new TransformStream({
    transform(bytes, controller) {
      controller.enqueue(bytes);
      const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) read(line);
    },
    // A last line that nothing ends is read by whoever decodes the events, and so it is here.
    flush: () => read(`${rest}${decoder.decode()}`),
  });
}

function eventOf(line: string): unknown {
  if (!line.startsWith(DATA) || !BESIDE_WORDS.test(line)) return null;
  try {
    return JSON.parse(line.slice(DATA.length));
  } catch {
    return null;
  }
}
