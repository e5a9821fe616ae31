// What the browser does by itself: pages, keys, drawers, drag and drop. Everything else is asked of the server
// through hidden fields, as JSON with a "do".
(() => {
  "use strict";
  if (window.youju) return;
  window.youju = true;

  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const body = document.body;
  let booted = false;

  // ---- to the server -------------------------------------------------------------------------------------
  const NUDGES = 4;  // one each five seconds after an action: see refresh
  let stamp = 0, turn = 0, nudges = 0;
  function write(id, text) {
    const field = one(`#${id} textarea, #${id} input`);
    if (!field) return false;
    const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set;
    setter.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return true;
  }
  // What is written twice before it is sent comes once: actions take turns in three fields, and what is only asked
  // again each second has a field of its own.
  const ask = (id, fields) => {
    nudges = NUDGES;
    return write(`${id}-${1 + (++turn % 3)}`, JSON.stringify({ ...fields, t: ++stamp }));
  };
  const poll = (id, fields) => write(`${id}-0`, JSON.stringify({ ...fields, t: ++stamp }));
  const act = (fields) => ask("act-chat", { c: shown(), ...fields });
  const collection = () => one(".shelf")?.dataset.collection || "";
  const docs = (fields) => ask("act-docs", { collection: collection(), ...fields });
  const settings = (fields) => ask("act-settings", fields);

  const thread = () => one("#thread .thread");
  const shown = () => thread()?.dataset.conversation || "";

  // ---- pages and addresses -------------------------------------------------------------------------------
  function address() {
    const query = new URLSearchParams(location.search);
    const asked = query.get("p") || "";
    const page = /^[a-z]+$/.test(asked) && (!booted || one(`#page-${asked}`)) ? asked : "chat";
    return { page, c: query.get("c") || "", d: query.get("d") || "", at: query.get("at") || "0" };
  }
  function push(path) {
    if (location.pathname + location.search !== path) history.pushState(null, "", path);
  }
  function page(name) {
    body.dataset.page = name;
    all(".nav").forEach((link) => {
      if (link.dataset.go === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
    if (name !== "chat") closeSource();
    body.classList.remove("drawer");
  }
  function go(name) {
    page(name);
    push(name === "chat" ? (shown() ? `/?c=${shown()}` : "/") : `/?p=${name}`);
    if (name === "documents") docs({ do: "show" });
    else ask(`plugin-${name}`, { do: "show" });
    if (name === "chat") { act({ do: "form" }); one(".composer textarea")?.focus(); }
  }
  function follow() {
    const { page: name, c, d, at } = address();
    page(name);
    if (name === "documents") d ? docs({ do: "preview", id: d, at }) : docs({ do: "show" });
    else if (name === "chat") { if (c !== shown()) { awaited = 0; act(c ? { do: "open", c } : { do: "new" }); } }
    else ask(`plugin-${name}`, { do: "show", ...Object.fromEntries(new URLSearchParams(location.search)) });
  }
  window.addEventListener("popstate", follow);

  // ---- theme and language --------------------------------------------------------------------------------
  const system = matchMedia("(prefers-color-scheme: dark)");
  function dress() {
    const chosen = localStorage.getItem("youju.theme") || "";
    body.classList.toggle("dark", chosen ? chosen === "dark" : system.matches);
  }
  system.addEventListener("change", dress);

  // ---- composer ------------------------------------------------------------------------------------------
  const field = () => one(".composer textarea");
  function fit(area) {
    area.style.height = "auto";
    area.style.height = `${Math.min(200, area.scrollHeight)}px`;
  }
  let editing = "";
  let pinned = true;
  function send(text) {
    text = text.trim();
    if (!text || body.classList.contains("busy")) return;
    const scope = one("[data-scope-picker]")?.value || "all";
    if (editing) begin({ do: "edit", id: editing, text });
    else begin({ do: "ask", text, scope });
    editing = "";
    const area = field();
    if (area) { area.value = ""; fit(area); ready(); }
  }
  let awaited = 0;
  function begin(fields) {
    busy(true);
    pinned = true;
    ask("act-send", { ...fields, c: shown() });
    awaited = stamp;
  }
  function busy(on) {
    body.classList.toggle("busy", on);
    const area = field();
    const form = area?.closest("form");
    if (area && form) area.placeholder = on ? form.dataset.busy : form.dataset.ask;
  }
  function ready() {
    const button = one(".composer .send:not(.halt)");
    if (button) button.disabled = !field()?.value.trim();
  }
  function stop() {
    if (body.classList.contains("busy")) act({ do: "stop" });
  }
  document.addEventListener("input", (event) => {
    const target = event.target;
    if (target.matches(".composer textarea")) { fit(target); ready(); }
    if (target.matches("[data-sure]")) one(".sure-step").textContent = JSON.parse(target.dataset.sure)[target.value];
    if (target.matches("[data-filter]")) filterRows(target.value);
    if (target.matches("[data-search]")) searchChats(target.value);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches(".composer")) { event.preventDefault(); send(field().value); }
    if (form.matches("[data-inspect]")) { event.preventDefault(); docs({ do: "inspect", query: form.query.value }); }
    if (form.matches("[data-own-question]")) {
      event.preventDefault();
      docs({ do: "sure-add", question: form.question.value, answer: form.answer.value });
    }
    if (form.matches(".comment")) {
      event.preventDefault();
      // The thumb goes along: what was clicked first may reach the server last.
      const thumb = one('[data-act="rate"][aria-pressed="true"]', form.closest(".answer"));
      act({ do: "rate", id: form.dataset.rate, value: thumb?.dataset.value || "0", comment: form.comment.value, edit: form.edit.value });
      form.hidden = true;
    }
  });
  document.addEventListener("change", (event) => {
    const target = event.target;
    if (target.matches("[data-scope-picker]") && shown()) act({ do: "scope", value: target.value });
    if (target.matches("input[type=file]")) nudges = NUDGES;
    if (target.matches("[data-sure]")) docs({ do: "sure-choose", place: target.value });
    if (target.matches("[data-set]")) set(target.dataset.set, target.value);
  });
  function set(key, value) {
    if (key === "theme") { localStorage.setItem("youju.theme", value); dress(); }
    settings({ do: "set", key, value });
  }

  // ---- keys ----------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      if (body.dataset.page !== "chat") go("chat");
      field()?.focus();
    } else if (event.key === "Escape") {
      escape();
    } else if (event.key === "Enter" && event.target.matches?.(".composer textarea")) {
      // isComposing: this Enter chooses a word in a Chinese input method.
      if (!event.shiftKey && !event.isComposing && event.keyCode !== 229) { event.preventDefault(); send(field().value); }
    }
  });
  function escape() {
    const menu = one(".menu[open]");
    if (menu) menu.removeAttribute("open");
    else if (body.classList.contains("drawer")) body.classList.remove("drawer");
    else if (body.classList.contains("source-open")) closeSource();
    else if (editing) { editing = ""; const area = field(); area.value = ""; fit(area); ready(); }
    else stop();
  }

  // ---- clicks --------------------------------------------------------------------------------------------
  const INTERFACE = {
    drawer: () => body.classList.toggle("drawer"),
    "close-source": closeSource,
    stop,
    attach: () => choose("chat"),
    "attach-documents": () => choose("documents"),
    why: (button) => toggle(one(".why", button.closest(".answer"))),
    copy: (button) => copy(one(".prose, .bubble", button.closest("article")).innerText, button),
    "copy-whole": (button) => copy(one("template", button.closest(".md")).content.textContent, button),
    edit: (button) => {
      editing = button.dataset.id;
      const area = field();
      area.value = one(".bubble", button.closest("article")).textContent;
      fit(area); ready(); area.focus();
    },
  };
  const toggle = (element) => { if (element) element.hidden = !element.hidden; };
  document.addEventListener("click", async (event) => {
    all(".menu[open]").forEach((menu) => {
      if (!menu.contains(event.target) || event.target.closest("a[download]")) menu.removeAttribute("open");
    });
    if (body.classList.contains("drawer") && !event.target.closest("#side, [data-ui=drawer]")) body.classList.remove("drawer");
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    const target = event.target.closest(
      "[data-go], [data-act], [data-docs], [data-settings], [data-send], [data-to], [data-ui], [data-ask-this], [data-show], " +
      ".cite, .step, [data-hit], [data-best]");
    if (!target || target.disabled) return;
    event.preventDefault();
    target.closest(".menu")?.removeAttribute("open");
    const given = { ...target.dataset };
    if (given.go) return go(given.go);
    if (given.ui) return INTERFACE[given.ui]?.(target);
    if ("askThis" in given) return send(target.textContent);
    if (given.show) return filterKinds(target);
    if (target.matches(".cite, .step, [data-hit], [data-best]")) return cite(target);
    if (given.confirm && !(await dialog(given.confirm, null, true))) return;
    if (given.prompt) {
      given.value = await dialog(given.prompt, given.value || "");
      if (!given.value?.trim()) return;
    }
    delete given.confirm; delete given.prompt;
    if (given.docs) return docsClick(given);
    if (given.settings) return settings({ ...given, do: given.settings });
    if (given.to) return plugin(given);
    if (given.send) return begin({ ...given, do: given.send });
    chatClick(target, given);
  });
  // Pages of plugins: what is clicked goes to the page's own channel; data-at is its address.
  function plugin(given) {
    if ("at" in given) push(`/?p=${given.to}${given.at}`);
    ask(`plugin-${given.to}`, given);
  }
  function docsClick(given) {
    if (body.dataset.page !== "documents") page("documents");
    push(given.docs === "preview" ? `/?p=documents&d=${given.id}&at=${given.at || 0}` : "/?p=documents");
    docs({ ...given, do: given.docs });
  }
  function chatClick(target, given) {
    if (given.act === "rate") {
      const on = target.getAttribute("aria-pressed") !== "true";
      all('[data-act="rate"]', target.parentElement).forEach((b) => b.setAttribute("aria-pressed", "false"));
      target.setAttribute("aria-pressed", String(on));
      one(".comment", target.closest(".answer")).hidden = !on;
      if (on) one(".comment input", target.closest(".answer")).focus();
      return act({ do: "rate", id: given.id, value: on ? given.value : "0" });
    }
    // Whoever leaves a conversation does not wait for its answer, which goes on unseen.
    if (["open", "new", "select"].includes(given.act) || (given.act === "delete" && given.c === shown())) awaited = 0;
    if (given.act === "open" || given.act === "new") {
      if (body.dataset.page !== "chat") page("chat");
      body.classList.remove("drawer");
      closeSource();
      pinned = true;
      push(given.act === "open" ? `/?c=${given.c}` : "/");
      field()?.focus();
    }
    act({ ...given, do: given.act, shown: shown() });
  }
  function cite(target) {
    const id = target.closest("[data-message]")?.dataset.message || target.closest(".answer")?.dataset.id;
    if (!id) return;
    all(".cite.open").forEach((button) => button.classList.remove("open"));
    if (target.dataset.n) {
      one(`.answer[data-id="${id}"] .cite[data-n="${target.dataset.n}"]`)?.classList.add("open");
      act({ do: "cite", id, n: target.dataset.n });
    } else if ("hit" in target.dataset) act({ do: "cite", id, hit: target.dataset.hit });
    else act({ do: "cite", id, best: true });
    body.classList.add("source-open");
  }
  function closeSource() {
    body.classList.remove("source-open");
    all(".cite.open").forEach((button) => button.classList.remove("open"));
  }
  async function copy(text, button) {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    button.setAttribute("aria-pressed", "true");
    setTimeout(() => button.removeAttribute("aria-pressed"), 1200);
  }
  function filterRows(text) {
    const wanted = text.trim().toLowerCase();
    all(".documents tbody tr").forEach((row) => { row.hidden = !row.dataset.name.includes(wanted); });
  }
  function filterKinds(button) {
    all(".pill", button.parentElement).forEach((pill) => pill.setAttribute("aria-pressed", String(pill === button)));
    const kind = button.dataset.show;
    all("[data-kind]", button.closest(".view")).forEach((row) => { row.hidden = kind !== "all" && row.dataset.kind !== kind; });
  }
  let typed;
  function searchChats(query) {
    clearTimeout(typed);
    typed = setTimeout(() => act({ do: "search", query }), 200);
  }
  function dialog(words, value = null, danger = false) {
    return new Promise((resolve) => {
      const box = document.createElement("dialog");
      box.className = "yj";
      const form = document.createElement("form");
      form.method = "dialog";
      const text = Object.assign(document.createElement("p"), { textContent: words });
      const input = Object.assign(document.createElement("input"), { value: value ?? "", maxLength: 200 });
      const row = document.createElement("div");
      const say = one(".composer")?.dataset || {};
      const no = Object.assign(document.createElement("button"), { type: "button", textContent: say.cancel || "Cancel" });
      const yes = Object.assign(document.createElement("button"), { textContent: danger ? say.delete || "OK" : say.ok || "OK" });
      yes.className = danger ? "sure danger" : "sure";
      row.append(no, yes);
      form.append(text, ...(value === null ? [] : [input]), row);
      box.append(form);
      const done = (result) => { box.remove(); resolve(result); };
      no.onclick = () => done(null);
      box.oncancel = () => done(null);
      form.onsubmit = (event) => { event.preventDefault(); done(value === null ? true : input.value); };
      body.append(box);
      box.showModal();
      if (value !== null) input.select(); else no.focus();
    });
  }

  // ---- files ---------------------------------------------------------------------------------------------
  const picker = (name) => one(`input[type=file]:has(~ #files-${name})`);  // Gradio puts the field before its button
  function aim(name) {
    write(`files-${name}-target`, name === "chat" ? shown() : collection());
  }
  function choose(name) { aim(name); one(`#files-${name}`)?.click(); }
  let depth = 0;
  const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  const place = () => ({ chat: "chat", documents: "documents" })[body.dataset.page];
  const foreign = (event) => event.target.closest?.("#page-sentiment, #page-summarize, #page-translate, #page-settings");
  document.addEventListener("dragenter", (event) => {
    if (!carries(event) || !place()) return;
    depth += 1;
    body.classList.add("dropping");
  });
  document.addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (!depth) body.classList.remove("dropping"); });
  document.addEventListener("dragover", (event) => { if (carries(event) && !foreign(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    depth = 0;
    body.classList.remove("dropping");
    if (!carries(event) || foreign(event)) return;
    event.preventDefault();
    give(place(), event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length && place()) { event.preventDefault(); give(place(), event.clipboardData.files); }
  });
  function give(name, files) {
    const input = name && picker(name);
    if (!input || !files.length) return;
    aim(name);
    const data = new DataTransfer();
    [...files].forEach((file) => data.items.add(file));
    input.files = data.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // ---- after each change of what is shown -----------------------------------------------------------------
  // The conversation scrolls as one: answer in progress included.
  function scroller() {
    const thread = one("#thread"), live = one("#live");
    if (!thread || !live || one("#scroller")) return;
    const box = document.createElement("div");
    box.id = "scroller";
    thread.parentElement.insertBefore(box, thread);
    box.append(thread, live);
    box.addEventListener("scroll", () => { pinned = box.scrollHeight - box.scrollTop - box.clientHeight < 60; }, { passive: true });
  }
  let drawn = "";
  function settle() {
    scroller();
    if (!thread() || !one(".composer")) return;
    if (!booted) {
      booted = true;
      document.documentElement.lang = one(".composer").dataset.lang;
      document.documentElement.classList.add(`lang-${one(".composer").dataset.lang.slice(0, 2)}`);
      ready();
      follow();
    }
    if (drawn !== shown()) {
      drawn = shown();
      if (body.dataset.page === "chat") {
        const path = drawn ? `/?c=${drawn}` : "/";
        if (drawn && !address().c) push(path);
      }
    }
    const select = one("[data-scope-picker]");
    const scope = thread().dataset.scope;
    if (select && shown() && scope && [...select.options].some((option) => option.value === scope)) select.value = scope;
    all(".chat-item[data-id]").forEach((item) => item.classList.toggle("active", item.dataset.id === shown()));
    if (one("#live [data-done]")?.dataset.done === String(awaited)) awaited = 0;
    busy(Boolean(awaited || one("#thread .writing")));
    if (one("[data-reload]")) location.reload();
    if (one("[data-wiped]")) { localStorage.removeItem("youju.theme"); location.assign("/"); }
    const box = one("#scroller");
    if (box && pinned) box.scrollTop = box.scrollHeight;
    const mark = one(".source mark, .paper mark");
    if (mark && !mark.dataset.seen) { mark.dataset.seen = "1"; mark.scrollIntoView({ block: "center" }); }
  }
  // An answer that found no open stream comes with the next question, whatever it asks. The files are drawn anew,
  // too: answers to two actions can come in the wrong order, and the older one would stay.
  function refresh() {
    if (body.dataset.page === "documents") table();
    else write("nudge", String(tick));
  }
  let composing = false;  // a Chinese word that is being chosen above the table would be lost with its field
  document.addEventListener("compositionstart", () => { composing = true; });
  document.addEventListener("compositionend", () => { composing = false; });
  function table() {
    if (!composing) poll("act-docs", { collection: collection(), do: "imports" });
  }
  // An answer that another page began, and files on their way in: asked for until they are done.
  let second = 0, tick = 0;
  setInterval(() => {
    tick += 1;
    if (nudges && tick % 5 === 0) { nudges -= 1; refresh(); }
    const chat = [];
    if (one("#thread [data-poll]")) chat.push("again");
    if (one("#chat-imports [data-poll-imports]")) chat.push("imports");
    if (chat.length) poll("act-chat", { c: shown(), do: chat[++second % chat.length] });
    if (one("#documents-imports [data-poll-imports]")) table();
    if (one("[data-poll-sure]")) poll("act-docs", { collection: collection(), do: "sure-poll" });
    if (one(".engine.loading")) engine();
    const name = body.dataset.page;
    const asked = all(`[data-poll-page="${name}"]`).some((mark) => tick % (mark.dataset.every || 1) === 0);
    if (asked) poll(`plugin-${name}`, { do: "poll" });
  }, 1000);
  async function engine() {
    try {
      const health = await (await fetch("/health")).json();
      if (health.engine === "ready") one(".engine.loading")?.remove();
    } catch { /* the next second asks again */ }
  }
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; settle(); });
  }).observe(body, { childList: true, subtree: true });

  page(address().page);
  dress();
  settle();
})();
