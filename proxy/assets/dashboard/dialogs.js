// Questions in a dialog of the browser's own: focus stays in it, Escape leaves it, and goes back to where it was.

import { el } from "./dom.js";

let count = 0;

// Shows a dialog until one of `choices` ({ value, words, kind }) is taken, or none. `ready(dialog)` may hold them back.
export function question({ heading, content, choices, testid }) {
  count += 1;
  const id = `dialog-${count}`;
  const dialog = el("dialog", { "aria-labelledby": id, "data-testid": testid });
  const buttons = choices.map(({ value, words, kind }) => el("button", { type: "submit", value, class: kind, "data-testid": `choose-${value}` }, words));
  const form = el("form", { method: "dialog" },
    el("h2", { id }, heading), content,
    el("div", { class: "actions" }, buttons,
      el("button", { type: "button", class: "quiet", "data-testid": "choose-none", onclick: () => dialog.close("") }, "Leave it as it is")));
  dialog.append(form);
  // The policy of the page lets no form go anywhere, not even here.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close(event.submitter?.value || "");
  });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
  });
}

// Asks for a word to be typed, so that it is not done by mistake, and why it is done. Nothing where it is left alone.
export async function typed({ heading, words, word, action, testid }) {
  const value = el("input", { id: "typed-word", autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true, pattern: word.replace(/[^\w-]/g, "\\$&"), "data-testid": "typed-word" });
  const why = el("input", { id: "typed-why", autocomplete: "off", maxlength: 200, "data-testid": "typed-why" });
  const content = [
    el("p", {}, words),
    el("label", { for: "typed-word" }, "Type ", el("strong", {}, word), " to go on"), value,
    el("label", { for: "typed-why" }, "Why, for the audit log"), why,
  ];
  const chosen = await question({ heading, content, choices: [{ value: "yes", words: action, kind: "grave" }], testid });
  return chosen && { confirm: value.value, reason: why.value };
}
