import { byId, element } from "./dom.js";

/**
 * A dialog over the page. Escape closes it, but not while something runs in it. It gives the focus back to what opened it.
 * @typedef {object} Dialog
 * @property {(title: string, ...content: (Node | false | null | undefined)[]) => void} show another step of it
 * @property {() => void} close
 */

/** @returns {Dialog} */
export function openDialog() {
  const opener = document.activeElement;
  const heading = element("h2", { id: "dialog-title", tabindex: "-1" });
  const body = element("div", { class: "dialog-body" });
  const dismiss = element("button", { type: "button", class: "button quiet small dismiss", "aria-label": "Close", onclick: () => idle() && close() }, "×");
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { "aria-labelledby": "dialog-title", oncancel: keepIfBusy, onclose: gone },
    element("div", { class: "dialog-head" }, heading, dismiss), body, element("p", { class: "unseen announcer", role: "status" })));
  document.body.append(dialog);
  dialog.showModal();

  function idle() {
    return !dialog.querySelector("[data-busy]");
  }

  /** @param {Event} event */
  function keepIfBusy(event) {
    if (!idle()) event.preventDefault();
  }

  function gone() {
    dialog.remove();
    if (!opener?.isConnected) byId("title").focus();
  }

  function close() {
    dialog.close();
  }

  return {
    show(title, ...content) {
      heading.textContent = title;
      body.replaceChildren(...content.filter((node) => node instanceof Node));
      dialog.scrollTop = 0;
      heading.focus();
    },
    close,
  };
}

/** Closes what is open: the page behind it is another now. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}
