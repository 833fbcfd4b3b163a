// What the frame of the desk does in the browser: marks the way of the open page, keys, title, and the lost line.
(() => {
  const QUIET_MS = 6000; // the desk says something every second: longer silence is told
  const page = () => document.documentElement;
  const one = (what) => document.querySelector(what);
  const text = (what) => (one(what)?.textContent || "").trim();

  // --- the way of the page that is open, and the title; pages change without a reload ---
  let marked = null;
  let later = 0;
  const look = () => {
    later = 0;
    const ways = document.querySelectorAll("[data-way]");
    let name = "";
    for (const way of ways) {
      const here = way.dataset.way === location.pathname;
      if (here) name = (way.querySelector("span")?.textContent || "").trim();
      if (here !== (way.getAttribute("aria-current") === "page")) {
        if (here) way.setAttribute("aria-current", "page");
        else way.removeAttribute("aria-current");
      }
    }
    if (marked !== location.pathname && ways.length) {
      if (marked !== null) more(false);
      marked = location.pathname;
    }
    const pnl = text("[data-figure=open-pnl]");
    const title = [page().dataset.lost !== undefined ? "no line" : pnl !== "–" ? pnl : "", name, "bearskin"];
    const said = title.filter(Boolean).join(" · ");
    if (ways.length && document.title !== said) document.title = said;
    watchPopup();
  };
  const soon = () => {
    if (!later) later = setTimeout(look, 120);
  };
  new MutationObserver(soon).observe(page(), { childList: true, subtree: true, characterData: true });
  addEventListener("popstate", soon);

  // --- the theme: whoever turns it turns Quasar's class, and the whole document follows ---
  const themed = () => {
    const dark = document.body.classList.contains("body--dark");
    const theme = dark ? "dark" : "light"; // set to what it is would be a change to who watches it
    if ((dark || document.body.classList.contains("body--light")) && page().dataset.theme !== theme) page().dataset.theme = theme;
  };
  const watchBody = () => new MutationObserver(themed).observe(document.body, { attributeFilter: ["class"] });
  if (document.body) watchBody();
  else addEventListener("DOMContentLoaded", watchBody);

  // --- the rest of the pages on a phone ---
  const more = (open) => {
    const ways = one(".ways");
    const button = one(".ways-open");
    if (!ways || !button) return;
    ways.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  addEventListener("click", (event) => {
    if (event.target.closest(".ways-open")) more(!one(".ways").classList.contains("open"));
    else if (!event.target.closest(".ways") || event.target.closest("[data-way]")) more(false);
    if (event.target.closest(".keys-open")) one("#keys")?.showModal();
    else if (event.target.id === "keys") event.target.close(); // beside it
    if (event.target.closest(".skip")) {
      event.preventDefault();
      one("#page")?.focus();
    }
  });

  // forms are for keys and screen readers: what they do is done by their buttons, never by a request of their own
  addEventListener("submit", (event) => {
    if (event.target.method !== "dialog") event.preventDefault();
  });

  // --- Tab stays in an open dialog: behind it nothing can be seen to be in focus ---
  const REACHED = "a[href], button:not([disabled]), input:not([disabled]), select, textarea, [tabindex]:not([tabindex='-1'])";
  addEventListener("keydown", (event) => {
    const dialog = event.key === "Tab" && [...document.querySelectorAll(".q-dialog")].at(-1);
    if (!dialog || event.target.closest(".q-menu")) return;
    const ways = [...dialog.querySelectorAll(REACHED)].filter((one) => one.getClientRects().length && one.tabIndex >= 0);
    const [end, other] = event.shiftKey ? [ways[0], ways.at(-1)] : [ways.at(-1), ways[0]];
    if (!other || (dialog.contains(event.target) && event.target !== end && ways.includes(event.target))) return;
    event.preventDefault();
    other.focus();
  }, true);

  // --- keys ---
  let going = 0;
  const typing = (where) => where.closest("input, textarea, select, [contenteditable=true]");
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
    if (event.key === "Escape") more(false);
    if (one(".q-dialog") || one("dialog[open]")) return;
    const now = Date.now();
    if (going && now - going < 1500) {
      going = 0;
      const way = one(`[data-way][data-key="${CSS.escape(event.key.toLowerCase())}"]`);
      if (way) {
        event.preventDefault();
        way.click();
      }
      return;
    }
    if (event.key === "g") going = now;
    else if (event.key === "?") one("#keys")?.showModal();
    else if (event.key === "!") one("[data-act=panic]")?.click();
    else if (event.key === "d") one('[aria-label="Dark or light"]')?.click();
  });

  // --- the line: what is on the screen must not be taken for what is true when nothing is heard ---
  let heardAt = Date.now();
  let watched = null;
  let popup = null;
  const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });
  const lost = (gone) => {
    const banner = one("#lost");
    if (!banner) return;
    if (gone && banner.hidden) {
      one("#lost-words").textContent =
        `No word from the desk since ${clock(heardAt)}: what is shown is as it was then. Trying again…`;
    }
    if (banner.hidden === gone) {
      banner.hidden = !gone;
      if (gone) page().dataset.lost = "";
      else delete page().dataset.lost;
      soon();
    }
  };
  // what is only for the eye is not sent to a page behind another tab
  const tellSight = () => {
    if (window.emitEvent && watched) emitEvent("hidden", document.hidden);
  };
  const listen = () => {
    if (!window.socket || watched === window.socket) return;
    watched = window.socket;
    heardAt = Date.now();
    tellSight();
    watched.onAny(() => {
      heardAt = Date.now();
      lost(false);
    });
    watched.on("disconnect", () => lost(true));
  };
  const watchPopup = () => {
    listen();
    if (popup || !(popup = one("#popup"))) return;
    new MutationObserver(() => {
      if (popup.ariaHidden === "false") lost(true);
    }).observe(popup, { attributes: true });
  };
  setInterval(() => {
    listen();
    if (watched && Date.now() - heardAt > QUIET_MS) lost(true);
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    tellSight();
    // a tab that slept may hold a line that is dead without knowing: a new one brings the newest
    if (document.hidden || !watched || Date.now() - heardAt < QUIET_MS) return;
    lost(true);
    if (watched.connected) watched.io.engine.close();
  });
})();
