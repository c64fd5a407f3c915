/**
 * Leaves the page. The promise never resolves, so that the button that leads away stays busy until the page is gone.
 * @param {string} url
 * @returns {Promise<never>}
 */
export function leaveFor(url) {
  location.assign(url);
  return new Promise(() => {});
}

// A browser that goes back may bring the page back as it was left: busy, and out of date.
addEventListener("pageshow", (event) => event.persisted && location.reload());
