import { mayStart } from "./account.js";
import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { Problem } from "./problem.js";

/** What has to be typed. It is the same in every language. */
const WORD = "DELETE";

/** Makes sure, then deletes the account. @param {import("./desk.js").Desk} desk */
export function askToDelete(desk) {
  const ends = mayStart(desk.account) ? "" : "Your plan ends at once, and what is left of it is lost. ";
  const input = /** @type {HTMLInputElement} */ (element("input", { id: "confirm-delete", autocomplete: "off", autocapitalize: "characters", spellcheck: "false" }));
  const dialog = openDialog();
  const remove = desk.action({ label: "Delete account", progress: "Deleting…", kind: "danger", retry: "Delete account", run: () => confirmed(input) && desk.api.deleteAccount().then(desk.deleted) });
  const form = element("form", { onsubmit: (event) => (event.preventDefault(), remove.querySelector("button")?.click()) },
    element("label", { for: "confirm-delete" }, "Type ", element("strong", {}, WORD), " to confirm"), input);
  dialog.show("Delete your account?",
    element("p", { class: "muted" }, `${ends}Your sign-in and what Stripe keeps of you as our customer are deleted, for good.`),
    form,
    element("div", { class: "buttons" }, remove, element("button", { type: "button", class: "button quiet", onclick: dialog.close }, "Keep my account")));
}

/** @param {HTMLInputElement} input */
function confirmed(input) {
  const typed = input.value.trim().toUpperCase() === WORD;
  input.setAttribute("aria-invalid", String(!typed));
  if (typed) return true;
  input.focus();
  throw new Problem("not_confirmed");
}
