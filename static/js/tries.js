/** How often somebody was let in lately and still stood before the door: a browser that keeps no cookies must not reload for ever. */

const KEY = "tollgate.let-in";
const LATELY_MS = 20_000;

/** Notes a try. @returns {boolean} whether it is the first one lately */
export function isFirstTry() {
  const last = Number(sessionStorage.getItem(KEY) ?? 0);
  sessionStorage.setItem(KEY, String(Date.now()));
  return Date.now() - last > LATELY_MS;
}

/** They are in. */
export function clearTries() {
  sessionStorage.removeItem(KEY);
}
