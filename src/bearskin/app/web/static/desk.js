// What the frame of the desk does in the browser: marks the way of the open page, keys, title, and the lost line.
(() => {
  const QUIET_MS = 6000; // the desk says something every other second: longer silence is told
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
  let heardOn = performance.now(); // a clock that was set back must not make a silence look short
  let watched = null;
  let popup = null;
  let stranger = false;
  const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });
  const gone = () => page().dataset.lost !== undefined;
  const silent = () => Math.max(Date.now() - heardAt, performance.now() - heardOn) > QUIET_MS;
  const heard = () => {
    heardAt = Date.now();
    heardOn = performance.now();
  };
  const tellLost = (before = "") => {
    const since = `No word from the desk since ${clock(heardAt)}: what is shown is as it was then.`;
    const next = stranger
      ? "The desk has another token now: open the address that it printed; this page goes on by itself then."
      : "Trying again…";
    const words = `${before}${since} ${next}`;
    if (one("#lost-words").textContent !== words) one("#lost-words").textContent = words;
  };
  const lost = (now) => {
    const banner = one("#lost");
    if (!banner || banner.hidden !== now) return;
    banner.hidden = !now;
    if (now) {
      page().dataset.lost = "";
      tellLost();
    } else {
      stranger = false;
      delete page().dataset.lost;
    }
    soon();
  };
  // What is pressed while nothing reaches the desk would wait and be done when the line is back, at other prices and
  // as often as it was pressed: it is not taken, and that is said. True where something must not be done.
  const refuse = (pressed) => {
    if (!gone()) return false;
    const panic = pressed?.closest("[data-act=panic], [role=alertdialog]");
    tellLost(`Not done: nothing reaches the desk. ${panic ? "“bearskin panic” in a terminal closes everything. " : ""}`);
    return true;
  };
  window.bearskinLine = { refuse };
  addEventListener("click", (event) => {
    const pressed = event.target instanceof Element && event.target.closest("button, [role=button]");
    if (!pressed?.closest(".page, .account, .notice, .guide, .q-dialog") || !refuse(pressed)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  // what is only for the eye is not sent to a page behind another tab
  const tellSight = () => {
    if (window.emitEvent && watched) emitEvent("hidden", document.hidden);
  };
  const listen = () => {
    if (!window.socket || watched === window.socket) return;
    watched = window.socket;
    heard();
    tellSight();
    watched.onAny(() => {
      heard();
      lost(false);
    });
    watched.on("disconnect", () => lost(true));
    watched.on("connect_error", (error) => { // what the gate answers to whoever has not the token of today
      if (stranger === (error.description === 401)) return;
      stranger = !stranger;
      if (gone()) tellLost();
    });
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
    if (silent()) lost(true);
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    tellSight();
    // a tab that slept may hold a line that is dead without knowing: a new one brings the newest
    if (document.hidden || !watched || !silent()) return;
    lost(true);
    if (watched.connected) watched.io.engine.close();
  });
})();
