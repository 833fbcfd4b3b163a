// Words of the field explain themselves: one explanation at a time, on hover, focus and tap; Escape puts it away.
(() => {
  let tip, shown, kept, leaving;
  const make = () => {
    tip = document.createElement("div");
    tip.className = "term-tip";
    tip.setAttribute("role", "tooltip");
    tip.id = "term-tip";
    tip.innerHTML = '<b></b><p></p><a href="/learn">in the glossary</a>';
    tip.addEventListener("pointerenter", () => clearTimeout(leaving));
    tip.addEventListener("pointerleave", () => { if (!kept) hide(); });
    tip.addEventListener("focusout", (event) => { if (!tip.contains(event.relatedTarget)) hide(); });
    document.body.append(tip);
  };
  const hide = () => {
    clearTimeout(leaving);
    if (tip) tip.classList.remove("shown");
    shown = undefined;
    kept = false;
  };
  const place = (word) => {
    const at = word.getBoundingClientRect(), own = tip.getBoundingClientRect(), edge = 8;
    const left = Math.min(Math.max(edge, at.left), innerWidth - own.width - edge);
    const below = at.bottom + own.height + edge < innerHeight;
    tip.style.left = `${left}px`;
    tip.style.top = `${below ? at.bottom + 5 : Math.max(edge, at.top - own.height - 5)}px`;
  };
  const show = (word) => {
    if (!tip) make();
    clearTimeout(leaving);
    shown = word;
    tip.children[0].textContent = word.textContent.trim();
    tip.children[1].textContent = word.getAttribute("aria-description");
    tip.children[2].href = `/learn?term=${word.dataset.term}`;
    tip.classList.add("shown");
    place(word);
  };
  const word = (event) => event.target instanceof Element && event.target.closest(".term");
  document.addEventListener("pointerover", (event) => {
    const over = word(event);
    if (over && event.pointerType === "mouse" && !kept && over !== shown) show(over);
  });
  document.addEventListener("pointerout", (event) => {
    if (word(event) && event.pointerType === "mouse" && !kept) leaving = setTimeout(hide, 220);
  });
  document.addEventListener("focusin", (event) => {
    const on = word(event);
    if (on && on.matches(":focus-visible")) show(on);
  });
  document.addEventListener("focusout", (event) => {
    if (word(event) && tip && !tip.contains(event.relatedTarget)) hide();
  });
  document.addEventListener("click", (event) => {
    const on = word(event);
    if (!on) {
      if (shown && !tip.contains(event.target)) hide();
      return;
    }
    if (kept && on === shown) return hide();
    show(on);
    kept = true;
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && shown) hide(); });
  addEventListener("scroll", () => { if (shown) shown.isConnected ? place(shown) : hide(); }, true);
  new MutationObserver(() => { if (shown && !shown.isConnected) hide(); })
    .observe(document.documentElement, { childList: true, subtree: true });
})();
// The guide points at the control of its present step, on whichever page it turns up.
window.bearskinGuide = (() => {
  let points = window.guidePoints || [];
  const visible = (one) => one.getClientRects().length > 0;
  const found = (wanted) => {
    for (const selector of wanted)
      for (const one of document.querySelectorAll(selector)) if (visible(one)) return one;
  };
  let due;
  const mark = () => {
    due = undefined;
    const one = found(points);
    for (const other of document.querySelectorAll(".guided")) if (other !== one) other.classList.remove("guided");
    if (one && !one.classList.contains("guided")) one.classList.add("guided");
  };
  new MutationObserver(() => { due ??= setTimeout(mark, 120); })
    .observe(document.documentElement, { childList: true, subtree: true });
  return {
    point(wanted) { points = wanted; mark(); },
    look(wanted) {
      const one = found(wanted);
      if (!one) return;
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      one.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
      const focusable = one.matches("button,input,select,a[href],[tabindex]") ? one : one.querySelector("button,input,select,a[href],[tabindex]");
      focusable?.focus({ preventScroll: true });
    },
  };
})();
