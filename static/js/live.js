/* <live-region src topics>: a part of the page that follows the plant. One stream for the whole page tells which topics
   changed; each region then fetches itself again, conditionally, and is morphed. Without a stream it asks every 15 s. */
(() => {
  "use strict";
  const { mes } = window;
  const OPEN_WITHIN = 3000;
  const POLL_EVERY = 15000;
  const regions = new Set();
  let source = null;
  let listening = "";
  let patience = 0;
  let poll = 0;
  let freshAt = mes.now();

  /* ---------- the age of what is shown ---------- */
  function fresh() {
    freshAt = mes.now();
    stamp();
  }
  function stamp() {
    const age = mes.now() - freshAt;
    const state = age > 120000 ? "stale" : age > 30000 ? "old" : "";
    document.querySelectorAll("[data-live-stamp]").forEach((element) => {
      const text = element.dataset.text.replace("{time}", mes.time(freshAt, true));
      if (element.textContent !== text) element.textContent = text;
      if ((element.dataset.age ?? "") !== state) element.dataset.age = state;
    });
    document.querySelectorAll("[data-online]").forEach((element) => {
      const text = state ? element.dataset.offline : element.dataset.online;
      const label = element.querySelector("span");
      if (label.textContent !== text) label.textContent = text;
    });
  }
  setInterval(stamp, 1000);

  /* ---------- the stream ---------- */
  function topics() {
    return [...new Set([...regions].flatMap((region) => region.topics))].sort();
  }
  function drop() {
    source?.close();
    source = null;
    listening = "";
    clearTimeout(patience);
  }
  function close() {
    drop();
    clearInterval(poll);
    poll = 0;
  }
  function pollInstead() {
    if (!poll) poll = setInterval(() => refreshAll(), POLL_EVERY);
  }
  function open() {
    const wanted = topics();
    const query = wanted.map(encodeURIComponent).join(",");
    if (document.hidden || !wanted.length) return close();
    if (source && source.readyState !== EventSource.CLOSED && query === listening) return;
    drop();
    listening = query;
    const opened = (source = new EventSource(`${mes.events}?topics=${query}`, { withCredentials: true }));
    patience = setTimeout(pollInstead, OPEN_WITHIN);
    opened.addEventListener("open", () => {
      clearTimeout(patience);
      clearInterval(poll);
      poll = 0;
      refreshAll();
    });
    opened.addEventListener("beat", fresh);
    opened.addEventListener("change", (event) => {
      const changed = new Set(JSON.parse(event.data).t);
      fresh();
      regions.forEach((region) => region.topics.some((topic) => changed.has(topic)) && region.refresh());
    });
    opened.addEventListener("error", () => {
      pollInstead();
      /* The browser gives up after a refusal; we ask again, because a session may have come back. */
      if (opened.readyState === EventSource.CLOSED) setTimeout(() => source === opened && open(), POLL_EVERY);
    });
  }
  let opening = 0;
  function reopen() {
    clearTimeout(opening);
    opening = setTimeout(open, 50);
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else {
      open();
      refreshAll();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && reopen());
  addEventListener("online", reopen);
  document.addEventListener("mes:refresh", () => refreshAll());

  function refreshAll() {
    regions.forEach((region) => region.refresh());
  }

  /* ---------- the regions ---------- */
  const EDITABLE = "input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit]),textarea,select";

  class LiveRegion extends HTMLElement {
    get topics() {
      return (this.getAttribute("topics") ?? "").split(/[\s,]+/).filter(Boolean);
    }
    connectedCallback() {
      regions.add(this);
      this.addEventListener("focusout", () => setTimeout(() => this.late && this.refresh(), 0));
      reopen();
    }
    disconnectedCallback() {
      regions.delete(this);
      reopen();
    }
    static observedAttributes = ["topics"];
    attributeChangedCallback() {
      if (regions.has(this)) reopen();
    }
    /* Never under a hand that writes: the change waits until the field is left. */
    get busy() {
      const active = document.activeElement;
      return this.contains(active) && active.matches(EDITABLE);
    }
    refresh() {
      if (this.busy) {
        this.late = true;
        return;
      }
      if (this.asking) {
        this.again = true;
        return;
      }
      this.asking = true;
      this.ask().finally(() => {
        this.asking = false;
        if (this.again) {
          this.again = false;
          this.refresh();
        }
      });
    }
    async ask() {
      const headers = { "HX-Request": "true", "X-Live-Region": "1" };
      if (this.etag) headers["If-None-Match"] = this.etag;
      let answer;
      try {
        answer = await fetch(this.getAttribute("src") || location.href, {
          headers,
          cache: "no-store",
          signal: AbortSignal.timeout(8000),
        });
      } catch {
        return;
      }
      if (answer.status === 401 || answer.status === 403 || answer.redirected) return location.reload();
      if (answer.status !== 304 && !answer.ok) return;
      if (answer.status !== 304) {
        const html = await answer.text();
        if (this.busy) {
          this.late = true;
          return;
        }
        this.late = false;
        this.etag = answer.headers.get("ETag");
        this.show(html);
      }
      fresh();
    }
    show(html) {
      Idiomorph.morph(this, html, {
        morphStyle: "innerHTML",
        ignoreActiveValue: true,
        callbacks: {
          beforeNodeMorphed: (was, is) => {
            if (was.localName === "elapsed-time" && was.getAttribute("since") === is.getAttribute?.("since")) return false;
            if (was.matches?.(EDITABLE) && was.value !== was.defaultValue) return false;
            if (was.dataset?.tick !== undefined && !was.isEqualNode(is)) mark(is);
            return true;
          },
        },
      });
      window.htmx?.process(this);
      this.dispatchEvent(new CustomEvent("mes:shown", { bubbles: true }));
    }
  }
  function mark(element) {
    const { id } = element;
    element.classList.add("mes-changed");
    if (id) setTimeout(() => document.getElementById(id)?.classList.remove("mes-changed"), 1500);
  }
  customElements.define("live-region", LiveRegion);
  addEventListener("pageshow", stamp);
})();
