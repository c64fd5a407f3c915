import { byId } from "./dom.js";

/** Shows the page's #offline banner while there is no connection. */
export function watchConnection() {
  const show = () => (byId("offline").textContent = navigator.onLine ? "" : "You are offline. What you see may be out of date.");
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
}

/** Runs a task once, as soon as there is a connection again. @param {() => void} task */
export function whenOnline(task) {
  addEventListener("online", task, { once: true });
}
