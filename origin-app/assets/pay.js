// Paying with Stripe's own form: what is typed there goes to Stripe, and never to this shop. It is loaded only where Stripe
// takes the money, behind Stripe's own script.
"use strict";

const LOOK_MS = 4000;

function payByStripe(form) {
  const told = form.querySelector("[data-live=problem]");
  const button = form.querySelector("button[type=submit]");

  function say(text) {
    told.textContent = text;
    told.hidden = !text;
  }

  if (typeof Stripe !== "function") {
    say(form.dataset.unreachable);
    return;
  }
  const stripe = Stripe(form.dataset.key, { locale: document.documentElement.lang });
  // The payment itself is begun when the fan wants it, and not when they look at this page.
  const elements = stripe.elements({
    mode: "payment",
    amount: Number(form.dataset.amount),
    currency: form.dataset.currency,
    paymentMethodTypes: ["card"],
  });
  const element = elements.create("payment");
  element.on("ready", () => { button.hidden = false; });
  element.on("loaderror", () => say(form.dataset.unreachable));
  element.mount(form.querySelector("[data-element]"));

  async function begin() {
    const email = form.elements.email ? form.elements.email.value.trim() : "";
    const body = { language: document.documentElement.lang, ...(email ? { email } : {}) };
    const answer = await fetch(form.dataset.intent, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, said: await answer.json() };
  }

  async function pay() {
    const { error: incomplete } = await elements.submit();
    if (incomplete) return incomplete.message;
    const { status, said } = await begin();
    // Paid, given back or over meanwhile: the page knows what to say.
    if (status === 409) return location.reload();
    if (status !== 200) return said.detail || form.dataset.failed;
    const { error } = await stripe.confirmPayment({
      elements,
      clientSecret: said.client_secret,
      confirmParams: { return_url: location.href },
      redirect: "if_required",
    });
    if (error) return error.message || form.dataset.failed;
    // The shop asks Stripe itself what came of it.
    return form.submit();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("");
    try {
      const refused = await pay();
      if (typeof refused !== "string") return;
      say(refused);
    } catch {
      say(form.dataset.failed);
    }
    button.disabled = false;
  });
}

// Stripe may tell the shop before this page does, or the time may be over.
function follow(form) {
  async function look() {
    try {
      const answer = await fetch(form.dataset.reservation, { headers: { Accept: "application/json" } });
      const { state } = answer.ok ? await answer.json() : {};
      if (state && !["held", "paying", "payment_delayed"].includes(state)) return location.reload();
    } catch {
      // The next look says.
    }
    return setTimeout(look, LOOK_MS);
  }
  setTimeout(look, LOOK_MS);
}

document.querySelectorAll("form[data-key]").forEach((form) => {
  payByStripe(form);
  if (form.dataset.begun) follow(form);
});
