import { byId, element } from "./dom.js";

/**
 * Fills the header's right side: who is signed in, or how to be.
 * @param {import("./sign-in.js").SignIn} signIn
 * @param {{ signedIn: boolean, test?: boolean, path?: string }} state `test`: payments are in test mode; `path`: where signing in leads
 *   back to, if not to the start
 */
export function showHeader(signIn, { signedIn, test = false, path }) {
  byId("mode").hidden = !test;
  byId("who").replaceChildren(
    ...(signedIn
      ? [element("span", { class: "email", title: signIn.email }, signIn.email), button("Sign out", "quiet", () => signIn.signOut())]
      : [button("Sign in", "quiet", () => signIn.signIn({ path })), button("Sign up", "primary", () => signIn.signUp({ path }))]),
  );
}

/**
 * A button that leads away; it works once.
 * @param {string} label
 * @param {string} kind
 * @param {() => Promise<never>} run
 */
function button(label, kind, run) {
  let left = false;
  const leave = () => left || ((left = true), run());
  return element("button", { type: "button", class: `button small ${kind}`, onclick: leave }, label);
}
