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

const form = document.querySelector("form");
formatted(form.elements.cardNumber, grouped);
formatted(form.elements.cardExpiry, monthAndYear);

form.addEventListener("submit", (event) => {
  const button = form.querySelector("button");
  if (button.disabled) {
    event.preventDefault();
    return;
  }
  button.disabled = true;
  button.textContent = button.dataset.busy;
  form.querySelector("[role=status]").textContent = form.dataset.says ?? "Your payment is being processed.";
});

// Back in history, the page may come from memory with its button still busy.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

document.querySelector("[aria-invalid=true]")?.focus();

// After a declined card this page is the answer to a form. Coming back to it later is to ask for the page, not to send the card again.
history.replaceState(null, "", location.href);
