import { keptUntil } from "./account.js";
import { openDialog } from "./dialog.js";
import { element } from "./dom.js";

/** Asks once, then sets the plan to end. @param {import("./desk.js").Desk} desk */
export function askToCancel(desk) {
  const { access, subscription } = desk.account;
  const name = subscription?.plan?.name ?? "your plan";
  const kept = ["active", "trialing"].includes(access.reason) ? `You keep ${name} ${keptUntil(desk.account)}. ` : "";
  const text = access.reason === "trialing" ? `${kept}You will not be charged.` : `${kept}It does not renew, and until it ends you can change your mind.`;
  const dialog = openDialog();
  const cancel = async () => desk.changed(await desk.api.cancel());
  dialog.show("Cancel your plan?",
    element("p", { class: "muted" }, text),
    element("div", { class: "buttons" },
      desk.action({ label: "Cancel plan", progress: "Canceling…", kind: "danger", retry: "Cancel plan", run: cancel }),
      element("button", { type: "button", class: "button quiet", onclick: dialog.close }, "Keep my plan")));
}
