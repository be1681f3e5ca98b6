/** Resolves when the event loop comes round: after all that follows at once from what is being handled. */
export async function nextTurn(): Promise<void> {
  // A timer would take a millisecond at least.
  const { port1, port2 } = new MessageChannel();
  const turned = new Promise<void>((resolve) => {
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
  });
  port1.start();
  port2.postMessage(null);
  return turned;
}
