/** What administrators read of decisions and events. Put your own words here. */

/** Reasons that give access, and are to be kept an eye on. */
const UNSURE = ["awaiting_payment", "past_due", "ending"];

/** @param {{ granted: boolean, reason: string }} decision @returns {"good" | "warning" | "off"} */
export function toneOf({ granted, reason }) {
  if (!granted) return "off";
  return UNSURE.includes(reason) ? "warning" : "good";
}

/** What an event did. */
const DID = {
  synced: ["Read", "Stripe was read, and what is stored made equal to it."],
  forgotten: ["Forgotten", "The customer was deleted in Stripe, and is forgotten here."],
  ignored: ["Nothing", "Nothing that access rests on."],
  foreign: ["Nothing", "The customer was not ours when it came."],
  conflict: ["Nothing", "The customer was made for a user who has another one."],
  undelivered: ["Caught up", "Stripe could not deliver it. The hourly run found it, and read Stripe."],
  other_mode: ["Nothing", "It was of Stripe’s other mode."],
  catalogue_refreshed: ["Plans", "The plans were read from Stripe."],
};

/** @param {string} outcome @returns {{ label: string, text: string, tone: "good" | "warning" | "off" }} */
export function didOf(outcome) {
  const [label, text] = DID[outcome] ?? [outcome, ""];
  const tones = { synced: "good", forgotten: "warning", conflict: "warning", undelivered: "warning" };
  return { label, text, tone: tones[outcome] ?? "off" };
}
