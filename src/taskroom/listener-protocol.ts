/**
 * What a reader and a task's room say to each other besides events and text. A reader that asked for it with `acks=1`
 * answers each `ACK_WANTED` with an `ACK` once it has passed on all that came before.
 */
export const ACK_WANTED = '{"type":"ack-wanted"}';
export const ACK = "ack";
