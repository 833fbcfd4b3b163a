// Marks the way of the page that is open, for eyes and screen readers; pages change without a reload.
(() => {
  const mark = () => {
    for (const way of document.querySelectorAll("[data-way]")) {
      if (way.dataset.way === location.pathname) way.setAttribute("aria-current", "page");
      else way.removeAttribute("aria-current");
    }
  };
  new MutationObserver(mark).observe(document.documentElement, { childList: true, subtree: true });
  addEventListener("popstate", mark);
})();
