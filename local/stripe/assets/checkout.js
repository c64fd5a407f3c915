// What makes the form nicer to fill in. Without it, the form works all the same.

/**
 * Keeps a field's digits grouped while it is typed into.
 * @param {HTMLInputElement} input
 * @param {(digits: string) => string} format
 */
function formatted(input, format) {
  input.addEventListener("input", (event) => {
    // Deleting must be able to take a separator away, and an edit in the middle must not move the cursor.
    if (event.inputType?.startsWith("delete") || input.selectionStart !== input.value.length) return;
    input.value = format(input.value.replace(/\D/g, ""));
  });
}

/** @param {string} digits */
function grouped(digits) {
  const amex = /^3[47]/.test(digits);
  const pattern = amex ? /^(\d{0,4})(\d{0,6})(\d{0,5})/ : /^(\d{0,4})(\d{0,4})(\d{0,4})(\d{0,7})/;
  return (pattern.exec(digits) ?? []).slice(1).filter(Boolean).join(" ");
}

/** @param {string} digits */
function monthAndYear(digits) {
  const padded = /^[2-9]/.test(digits) ? `0${digits}` : digits;
  return padded.length < 2 ? padded : `${padded.slice(0, 2)} / ${padded.slice(2, 6)}`;
}

/** @param {HTMLFormElement} form */
function prepare(form) {
  if (form.elements.cardNumber) {
    formatted(form.elements.cardNumber, grouped);
    formatted(form.elements.cardExpiry, monthAndYear);
  }
  form.addEventListener("submit", (event) => {
    const button = form.querySelector("button");
    if (button.disabled) {
      event.preventDefault();
      return;
    }
    button.disabled = true;
    button.textContent = button.dataset.busy;
    say(form.dataset.says ?? "Your payment is being processed.");
  });
}

/** @param {string} text */
function say(text) {
  document.querySelector("form.card [role=status]").textContent = text;
}

/**
 * Applies or removes a promotion code without losing what is typed in the other form.
 * @param {SubmitEvent} event
 */
async function swap(event) {
  const form = event.target;
  if (!form.matches("[data-swaps]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
  const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const [summary, pay] = [fresh.querySelector("[data-swap=summary]"), fresh.querySelector("form.card")];
  if (summary === null || pay === null) {
    // The session is over meanwhile.
    location.reload();
    return;
  }
  document.querySelector("[data-swap=summary]").replaceWith(summary);
  const current = document.querySelector("form.card");
  if (current.dataset.asksForCard !== pay.dataset.asksForCard) {
    for (const { name, value } of current.elements) {
      if (name && pay.elements[name]) pay.elements[name].value = value;
    }
    current.replaceWith(pay);
    prepare(pay);
  } else {
    current.querySelector("button").textContent = pay.querySelector("button").textContent;
  }
  document.title = fresh.title;
  const invalid = summary.querySelector("[aria-invalid=true]");
  const next = invalid ?? summary.querySelector("[data-swaps] button, .promotion summary");
  next?.focus();
  if (invalid === null) say(`Total due today: ${summary.querySelector(".total dd").textContent}`);
}

const card = document.querySelector("form.card");
prepare(card);
document.addEventListener("submit", (event) => {
  // Without an answer, the form is sent as it would be without this script.
  swap(event).catch(() => event.target.submit());
});

// Back in history, the page may come from memory with its button still busy.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

(document.querySelector("[aria-invalid=true]") ?? document.querySelector("#failure"))?.focus();

// After a declined card this page is the answer to a form. Coming back to it later is to ask for the page, not to send the card again.
history.replaceState(null, "", card.dataset.page ?? location.href);
