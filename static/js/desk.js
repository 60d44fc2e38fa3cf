/* Desk pages: lists by keyboard, menus that close, marks that keep their place. Everything works without it. */
(() => {
  "use strict";
  /* J and K or the arrows walk through rows that are links; Enter is the link's own. */
  function rows() {
    return [...document.querySelectorAll("[data-rows] a[data-row], [data-rows] [data-row] a:first-of-type")];
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input,textarea,select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const list = rows();
    const at = list.indexOf(document.activeElement);
    if (!list.length || (at < 0 && event.key.startsWith("Arrow"))) return;
    event.preventDefault();
    list[Math.min(Math.max(at + step, 0), list.length - 1)].focus();
  });
  /* A menu closes by Escape and by a click elsewhere. */
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.d-me[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.d-me[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
})();
