/* Stripe's own form in our page. What is typed into it goes to Stripe; we learn of it by Stripe's word to our server. */
(() => {
  "use strict";
  addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("pay");
    const button = form.querySelector("button");
    const error = document.getElementById("pay-error");
    const say = (text) => { error.hidden = !text; error.querySelector("p").textContent = text; };
    if (!window.Stripe) {
      say("Stripe’s form could not be loaded. Check your connection, then reload this page.");
      return;
    }
    const dark = (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches && "dark")) === "dark";
    const stripe = window.Stripe(form.dataset.key);
    const elements = stripe.elements({ clientSecret: form.dataset.secret, appearance: { theme: dark ? "night" : "stripe" } });
    const card = elements.create("payment");
    card.on("ready", () => { button.disabled = false; });
    card.mount("#card");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      say("");
      const answer = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset.back } });
      /* Only a refusal comes back here; what worked has gone on to the order's page. */
      say(answer.error?.message || "");
      button.disabled = false;
    });
  });
})();
