import { action } from "../js/action.js";
import { element } from "../js/dom.js";

/**
 * The search: it finds exactly what is typed.
 * @param {string} query what was searched for last
 * @param {(query: string) => Promise<unknown>} run
 */
export function searchForm(query, run) {
  const input = /** @type {HTMLInputElement} */ (element("input", {
    id: "query", type: "search", value: query, required: true, maxlength: "255",
    autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: "ada@example.com, cus_…, sub_…",
  }));
  const search = action({
    label: "Search", progress: "Searching…", retry: "Search",
    run: async () => {
      const text = input.value.trim();
      if (text) await run(text);
      else input.focus();
    },
  });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    search.querySelector("button")?.click();
  };
  return element("form", { class: "search", role: "search", onsubmit: submit },
    element("label", { for: "query" }, "Email, or the id of a user, customer or subscription"), input, search);
}
