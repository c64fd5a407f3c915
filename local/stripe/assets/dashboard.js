// Keeps the page up to date: fetches it again every two seconds and puts in what changed.

const EVERY_MS = 2000;

/** Whether a change now would take something from under the reader's hands. */
function busy() {
  const selection = getSelection();
  return document.hidden || (selection !== null && !selection.isCollapsed) || document.activeElement?.matches("button, pre, summary") || document.querySelector("details[open]") !== null;
}

async function refresh() {
  if (busy()) return;
  const response = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!response.ok || busy()) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const replacement = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (replacement === null || replacement.innerHTML === part.innerHTML) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.replaceWith(replacement);
    if (focused !== null) replacement.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

setInterval(() => {
  // The stand-in is being restarted: the next time will do.
  refresh().catch(() => {});
}, EVERY_MS);
