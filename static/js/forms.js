/* Forms that command: one id per gesture, one command per double tap, the same id again while the outcome is unknown.
   Also the clock of the page: server time, elapsed times, hot keys, undo toasts. No framework. */
(() => {
  "use strict";
  const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
  const loadedAt = Date.now();
  const offset = (Number(meta("mes-now")) || loadedAt) - loadedAt;
  const zone = meta("mes-zone") || undefined;
  const language = document.documentElement.lang || undefined;

  const mes = (window.mes = {
    csrf: meta("mes-csrf"),
    events: meta("mes-events"),
    now: () => Date.now() + offset,
    /* A random id also where the page came over plain HTTP and randomUUID is missing. */
    uuid() {
      if (crypto.randomUUID) return crypto.randomUUID();
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
    time(milliseconds, seconds) {
      const options = { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone };
      if (seconds) options.second = "2-digit";
      return new Intl.DateTimeFormat(language, options).format(milliseconds);
    },
    say(text, urgent) {
      const region = document.getElementById(urgent ? "live-now" : "live-polite");
      if (region) region.textContent = text;
    },
  });

  /* ---------- forms ---------- */
  function field(form, name) {
    return form.querySelector(`:scope input[type="hidden"][name="${name}"]`);
  }

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.matches?.("form[data-command]")) return;
      if (form.dataset.pending) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      const id = field(form, "command_id");
      if (id && form.dataset.outcome !== "unknown") id.value = mes.uuid();
      const at = field(form, "at");
      if (at && form.dataset.outcome !== "unknown") at.value = new Date(mes.now()).toISOString();
      form.dataset.pending = "1";
      form.setAttribute("aria-busy", "true");
      /* Back within a moment if the submission was refused by somebody else's handler. */
      setTimeout(() => event.defaultPrevented && !form.matches(".htmx-request") && settle(form, "known"), 0);
    },
    true,
  );

  function settle(form, outcome) {
    delete form.dataset.pending;
    form.removeAttribute("aria-busy");
    form.dataset.outcome = outcome;
  }

  /* A refusal is an answer; only a missing, a busy or a broken one leaves the outcome open. */
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt?.closest?.("form[data-command]");
    if (!form) return;
    const status = event.detail.xhr?.status ?? 0;
    const open = status === 0 || status === 409 || status === 429 || status >= 500;
    settle(form, open ? "unknown" : "known");
    if (status === 0 || status >= 500) mes.say(form.dataset.lost ?? "", true);
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-command]").forEach((form) => settle(form, "known"));
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr?.status === 401) location.reload();
  });

  /* ---------- time ---------- */
  function two(number) {
    return String(number).padStart(2, "0");
  }
  class ElapsedTime extends HTMLElement {
    tick(now) {
      const total = Math.max(0, Math.floor((now - Date.parse(this.getAttribute("since"))) / 1000));
      const hours = Math.floor(total / 3600);
      const minutes = Math.floor(total / 60) % 60;
      const text = this.hasAttribute("seconds")
        ? `${hours ? `${hours}:` : ""}${two(minutes)}:${two(total % 60)}`
        : `${hours}:${two(minutes)}`;
      if (this.textContent !== text) this.textContent = text;
    }
    connectedCallback() {
      this.tick(mes.now());
    }
  }
  customElements.define("elapsed-time", ElapsedTime);
  setInterval(() => {
    const now = mes.now();
    document.querySelectorAll("elapsed-time").forEach((element) => element.tick(now));
    const text = mes.time(now);
    document.querySelectorAll("[data-clock]").forEach((clock) => {
      if (clock.textContent !== text) clock.textContent = text;
    });
  }, 1000);

  /* ---------- toast that goes away, but not under a finger or the focus ---------- */
  class UndoToast extends HTMLElement {
    connectedCallback() {
      let left = Number(this.getAttribute("seconds")) || 30;
      this.timer = setInterval(() => {
        if (this.matches(":hover") || this.contains(document.activeElement)) return;
        left -= 1;
        if (left <= 0) this.remove();
      }, 1000);
    }
    disconnectedCallback() {
      clearInterval(this.timer);
    }
  }
  customElements.define("undo-toast", UndoToast);

  /* ---------- hot keys: printed on the control, never a bare letter on a terminal ---------- */
  function name(event) {
    const alt = event.altKey ? "Alt+" : "";
    const key = event.altKey && /^Digit\d$/.test(event.code) ? event.code.slice(5) : event.key;
    return alt + key;
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing || event.repeat) return;
    const wanted = name(event);
    const inside = event.target.closest?.("input,textarea,select,[contenteditable]");
    if (wanted.length === 1 && (inside || document.documentElement.dataset.density === "terminal")) return;
    if (wanted === "Enter" && event.target.closest?.("a,button,input,textarea,select,summary")) return;
    const control = document.querySelector(`[data-hotkey="${CSS.escape(wanted)}"]:not(:disabled)`);
    if (!control) return;
    event.preventDefault();
    if (control.matches("input")) {
      control.focus();
      control.select();
    } else control.click();
  });
})();
