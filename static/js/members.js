/** Every members' page has this: it shows who is here, and keeps the page open for them. */

import { Api } from "./api.js";
import { loadConfig } from "./config.js";
import { watchConnection } from "./connection.js";
import { announce, byId, element } from "./dom.js";
import { showHeader } from "./header.js";
import { keepMembership } from "./membership.js";
import { Problem } from "./problem.js";
import { SignIn } from "./sign-in.js";
import { clearTries } from "./tries.js";

const OVER = { title: "Your access has ended.", text: "This page will not open again until you have a plan that includes it." };
const SIGNED_OUT = { title: "You are not signed in here.", text: "This page stays as it is, and closes in a few minutes. Sign in to keep it open." };

watchConnection();
clearTries();
start();

async function start() {
  try {
    const config = await loadConfig();
    const signIn = new SignIn(config.sign_in);
    const header = () => showHeader(signIn, { signedIn: SignIn.hasSession, test: config.mode === "test", intent: { path: location.pathname + location.search } });
    header();
    if (!SignIn.hasSession) return tell(SIGNED_OUT);
    keepMembership(new Api(signIn), {
      renewed: header,
      ended: ({ code }) => {
        header();
        if (code === "signed_out") return tell(SIGNED_OUT);
        tell(OVER, element("a", { class: "button primary", href: "/" }, "See your plan"));
      },
    });
  } catch (error) {
    // Nothing is lost but the renewal: what is on the page can be read.
    console.warn(Problem.from(error).code);
  }
}

/**
 * Says something above the page, which stays.
 * @param {{ title: string, text: string }} words
 * @param {...Node} more
 */
function tell({ title, text }, ...more) {
  const box = element("section", { class: "trouble", "aria-label": title },
    element("div", {}, element("h2", {}, title), element("p", {}, text)), more.length > 0 && element("div", { class: "buttons" }, ...more));
  document.querySelector(".trouble")?.remove();
  byId("main").prepend(box);
  announce(`${title} ${text}`);
}
