/* Progressive enhancement only. Without this file links navigate, <details> opens, #menu and dialogs open by
   :target, filters have an Apply button and forms post. */
(() => {
  "use strict";
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  /* Toast: one polite live region, made on first use */
  let timer;
  function toast(text) {
    let box = byId("toast");
    if (!box) {
      box = Object.assign(document.createElement("div"), { id: "toast", className: "toast", role: "status" });
      document.body.append(box);
    }
    box.hidden = false;
    box.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => { box.hidden = true; }, 4000);
  }

  /* Theme: the server reads the cookie and renders data-theme, so the next page does not flash */
  const saved = document.cookie.match(/(?:^|; )theme=(light|dark)/);
  if (saved) root.dataset.theme = saved[1];
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches && "dark")) === "dark";
  function theme(change) {
    if (change) {
      root.dataset.theme = dark() ? "light" : "dark";
      document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    }
    for (const button of all("[data-theme-toggle]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", dark());
    }
  }

  /* Drawer: account and settings, over the bottom bar on narrow screens */
  const menu = byId("menu");
  function drawer(open) {
    menu.toggleAttribute("data-open", open);
    const opener = document.querySelector('[href="#menu"]');
    opener.setAttribute("aria-expanded", open);
    (open ? menu.querySelector("a, button") : opener).focus();
  }

  /* Copy: where the clipboard is closed to us, the text is selected instead */
  async function copy(button) {
    const field = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.dataset.url || field.value);
      toast(button.dataset.copied || "Link copied");
    } catch {
      field.select();
      toast("Selected, now copy it");
    }
  }

  /* A row's detail that the server already sent folds in place instead of loading again */
  function fold(link, detail) {
    detail.hidden = !detail.hidden;
    link.closest("tr").classList.toggle("is-open", !detail.hidden);
    link.setAttribute("aria-expanded", !detail.hidden);
  }

  /* A branch of the tree loads when it is opened. Its link inside shows it without script, and when loading fails */
  async function branch(details) {
    const link = details.querySelector(":scope > ul > li > a[data-branch]");
    if (!details.open || !link || details.dataset.loading) return;
    details.dataset.loading = "true";
    const slow = setTimeout(() => { link.replaceChildren(Object.assign(document.createElement("span"), { className: "skeleton" })); }, 300);
    try {
      const answer = await fetch(link.dataset.branch, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const list = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("ul");
      details.querySelector(":scope > ul").replaceWith(document.adoptNode(list));
    } catch {
      location.assign(link.href);
    } finally {
      clearTimeout(slow);
      delete details.dataset.loading;
    }
  }
  document.addEventListener("toggle", (event) => { if (event.target.closest?.(".tree")) branch(event.target); }, true);

  document.addEventListener("click", (event) => {
    const hit = event.target.closest("a, button");
    if (!hit) return;
    const detail = byId(hit.getAttribute("aria-controls"));
    const target = hit.hash ? byId(hit.hash.slice(1)) : null;
    if (hit.matches("[data-theme-toggle]")) theme(true);
    else if (hit.matches("[data-copy]")) copy(hit);
    else if (hit.matches("[data-print]")) print();
    else if (hit.matches("[data-expand]")) all("details", detail).forEach((item) => { item.open = hit.dataset.expand === "all"; });
    else if (hit.matches('[href="#menu"]')) drawer(!menu.hasAttribute("data-open"));
    else if (hit.matches(".scrim")) drawer(false);
    else if (hit.matches("[data-fold]") && detail) fold(hit, detail);
    else if (target?.matches("dialog")) target.showModal();
    else if (hit.matches('dialog [href="#"]')) hit.closest("dialog").close();
    else if (!hit.matches("[aria-disabled='true']")) return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu?.hasAttribute("data-open")) drawer(false);
  });
  document.addEventListener("change", (event) => event.target.closest("form[data-auto]")?.requestSubmit());

  addEventListener("DOMContentLoaded", () => {
    theme();
    for (const button of all("[data-expand], [data-copy], [data-print]")) button.hidden = false;
    for (const button of all("form[data-auto] .apply")) button.hidden = true;
    /* A table laid out as cards keeps its meaning for screen readers */
    const roles = { TABLE: "table", TR: "row", TD: "cell", TH: "columnheader" };
    for (const part of all(".cards, .cards :is(thead, tbody, tfoot, tr, td, th)")) part.setAttribute("role", roles[part.tagName] || "rowgroup");
  });

  /* Figures that come anew by themselves: while the page is looked at, is not paused, and nothing in them has the focus */
  const live = document.querySelector("[data-live]");
  const pause = document.querySelector("[data-live-pause]");
  async function renew() {
    if (document.hidden || live.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(live.id);
    if (!fresh) return;
    live.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
    if (!fresh.dataset.live) location.reload(); // it has ended, and so have the buttons around it
  }
  if (live) {
    const start = () => setInterval(() => renew().catch(() => {}), Number(live.dataset.live) * 1000);
    let timer = start();
    if (pause) pause.hidden = false;
    const button = pause?.querySelector("button");
    button?.addEventListener("click", () => {
      const paused = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", paused);
      button.textContent = paused ? "Go on" : "Pause";
      clearInterval(timer);
      if (!paused) timer = start();
    });
  }
})();
