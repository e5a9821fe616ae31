// The table of files is drawn anew while files come in: what is typed above it, the place in it, and an open menu stay.
(() => {
  "use strict";
  if (window.youjuKeeps) return;
  window.youjuKeeps = true;

  const fields = () => [...document.querySelectorAll(".finder input")];
  const name = (field) => field.name || "filter";
  const whose = (menu) => menu.querySelector("[data-id]")?.dataset.id || "";
  const typed = new Map();
  let collection = "", focused = "", open = "";

  document.addEventListener("input", ({ target }) => {
    if (target.matches(".finder input")) typed.set(name(target), { value: target.value, caret: target.selectionStart });
  });
  document.addEventListener("focusin", ({ target }) => { focused = target.matches(".finder input") ? name(target) : ""; });
  document.addEventListener("pointerdown", ({ target }) => { if (!target.matches(".finder input")) focused = ""; });
  document.addEventListener("toggle", ({ target }) => {
    if (target.matches(".shelf .menu")) open = target.open ? whose(target) : "";
  }, true);

  function restore() {
    const shelf = document.querySelector(".shelf");
    if (!shelf || shelf.dataset.seen) return;
    shelf.dataset.seen = "1";
    if (shelf.dataset.collection !== collection) {
      collection = shelf.dataset.collection;
      typed.clear();
      return;
    }
    fields().forEach((field) => {
      const { value, caret } = typed.get(name(field)) || { value: "", caret: 0 };
      if (value) {
        field.value = value;
        field.setSelectionRange(caret, caret);
        field.dispatchEvent(new Event("input", { bubbles: true }));  // the rows are filtered anew
      }
      if (name(field) === focused) field.focus({ preventScroll: true });
    });
    if (open) [...shelf.querySelectorAll(".menu")].find((menu) => whose(menu) === open)?.setAttribute("open", "");
  }
  new MutationObserver(restore).observe(document.body, { childList: true, subtree: true });
})();
