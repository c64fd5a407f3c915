import { setTimeout as wait } from "node:timers/promises";

const WITHIN_MS = 20_000;

/**
 * Asks again and again until the answer is something, and gives it.
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} ask
 * @param {() => unknown} [instead] what to show where the answer never comes
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, ask, instead = () => "") {
  const deadline = Date.now() + WITHIN_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`Not within ${WITHIN_MS / 1000} s: ${what}. ${JSON.stringify(await instead())}`);
    await wait(20);
  }
}
