/**
 * Failpoints: named places at which the process may be killed from outside, exactly there.
 *
 * A place tells the bench its name over loopback and waits for the answer: "go on", or none, because the bench has killed
 * the process. The request of an object is held by the platform's output gate until what the object wrote is durable, so
 * that a place after a commit is after the commit and before anything left.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** What is under way: a call of an object, or an event of the Worker. */
export interface Actor {
  /** Such as `TaskRoom.commitAnswer`. */
  name: string;
  /** Null: an event of the Worker, which stores nothing itself. */
  readonly object: Commits | null;
  /** Whether it wrote or sent anything: of what did not, nothing can be lost. */
  changed: boolean;
  /** Whether its latest commit is still the last thing that it did. */
  atCommit: boolean;
}

export const actors = new AsyncLocalStorage<Actor>();

const plainFetch = globalThis.fetch;
/** Where the bench listens; null: nobody does, and no place waits. */
let benchUrl: string | null = null;

export function reportTo(url: string | null): void {
  benchUrl = url;
}

/** @param quiet true: as far as is known nothing was written or sent here */
export async function failpoint(name: string, quiet = false): Promise<void> {
  if (benchUrl === null) return;
  const response = await plainFetch(`${benchUrl}/hit`, {
    method: "POST",
    body: JSON.stringify({ name, quiet }),
  });
  await response.arrayBuffer();
}

/** Commits of one object whose places have not been passed yet. Nothing leaves the object before they are. */
export class Commits {
  #passed: Promise<unknown> = Promise.resolve();
  /** What was written in this turn so far; null: nothing. */
  #turn: { name: string; isLone: boolean } | null = null;

  /**
   * Call it with what was just written; writes of one turn are one commit.
   *
   * @param fallback name of the commit where no call of the object is under way
   * @param lone of a write outside of a transaction: name of the commit whatever call makes it, if there is no more to it
   */
  note(fallback: string, lone: string | null = null): void {
    const actor = actors.getStore();
    if (actor !== undefined) {
      actor.changed = true;
      actor.atCommit = true;
    }
    const called = actor?.object === this ? actor.name : fallback;
    if (this.#turn !== null) {
      if (this.#turn.isLone && lone === null) this.#turn.name = called;
      this.#turn.isLone &&= lone !== null;
      return;
    }
    const turn = { name: lone ?? called, isLone: lone !== null };
    this.#turn = turn;
    this.#passed = Promise.all([this.#passed, this.#endTurn(turn)]);
  }

  async #endTurn(turn: { readonly name: string }): Promise<void> {
    await Promise.resolve();
    this.#turn = null;
    await failpoint(`${turn.name}.committed`);
  }

  async passed(): Promise<void> {
    let seen: Promise<unknown>;
    do {
      seen = this.#passed;
      await seen;
    } while (seen !== this.#passed);
  }
}

/**
 * Something that leaves: a place before, when all that was committed so far has passed its own, and one after its answer.
 *
 * @param name null: a read, or a call of another object, which has places of its own
 */
export async function sending<T>(name: string | null, send: () => T | Promise<T>): Promise<T> {
  const actor = actors.getStore();
  await actor?.object?.passed();
  if (actor !== undefined) {
    actor.changed ||= name !== null;
    actor.atCommit &&= name === null;
  }
  if (name !== null) await failpoint(`${name}.before`);
  const answer = await send();
  if (name !== null) await failpoint(`${name}.after`);
  return answer;
}

/**
 * An event of the Worker between its two places.
 *
 * @param isSent true: that it came is remembered by nobody but its sender, so that it has a place before
 */
export async function event<T>(name: string, isSent: boolean, work: () => Promise<T>): Promise<T> {
  return actors.run({ name, object: null, changed: false, atCommit: false }, async () => {
    if (isSent) await failpoint(`${name}.before`);
    const answer = await work();
    await failpoint(`${name}.after`);
    return answer;
  });
}
