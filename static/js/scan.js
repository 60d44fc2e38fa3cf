/* <scan-router>: every scan of a keyboard-wedge scanner on any terminal page, whatever has the focus, goes to the server
   and comes back as a verdict in <scan-band>. It only tells scanning from typing; what a code means is decided there.

   Attributes: url (where scans go), context (sent along), separators (characters a scanner sends instead of GS),
   layout ("auto": believe the key unless it cannot come from a US layout). */
(() => {
  "use strict";
  const { mes } = window;
  const GS = "\x1d";
  const EDITABLE = "input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit]),textarea";
  const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Dead", "Unidentified"]);

  /* What a US keyboard prints, plain and with shift: scanners pretend to be one, whatever the computer is set to. */
  const US = { Space: "  ", Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|" };
  Object.assign(US, { Semicolon: ";:", Quote: "'\"", Backquote: "`~", Comma: ",<", Period: ".>", Slash: "/?" });
  [..."abcdefghijklmnopqrstuvwxyz"].forEach((letter) => {
    US[`Key${letter.toUpperCase()}`] = letter + letter.toUpperCase();
  });
  [...")!@#$%^&*("].forEach((sign, digit) => {
    US[`Digit${digit}`] = digit + sign;
    US[`Numpad${digit}`] = `${digit}${digit}`;
  });
  Object.assign(US, { NumpadDecimal: "..", NumpadSubtract: "--", NumpadAdd: "++", NumpadDivide: "//", NumpadMultiply: "**" });

  /* ---------- what was typed: characters with their times ---------- */
  const state = { keys: [], held: null, marked: false, timer: 0, foreign: false, digits: "" };

  /* How this scanner ends a code. One that sends Enter may pause in the middle without being cut in two. */
  const ENDING = "mes-scan-ending";
  const SILENCE = { enter: 2000, silence: 150, unknown: 1000 };
  function silence() {
    return SILENCE[sessionStorage.getItem(ENDING) ?? "unknown"];
  }

  function gaps(keys) {
    return keys.slice(1).map((key, index) => key.time - keys[index].time).sort((a, b) => a - b);
  }
  function at(sorted, share) {
    return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
  }
  /* A scanner is quick and even; the percentile forgives the one pause of a busy computer. */
  function quick(keys, inField) {
    const sorted = gaps(keys);
    if (keys.length < (inField ? 6 : 4) || new Set(keys.map((key) => key.text)).size === 1) return false;
    return at(sorted, 0.5) <= (inField ? 25 : 35) && at(sorted, 0.8) <= 60 && sorted[sorted.length - 1] <= 150;
  }
  function text(keys) {
    return keys.map((key) => key.text).join("");
  }

  function decode(event, layout) {
    if (event.key === GS || (event.ctrlKey && (event.code === "BracketRight" || event.key === "]"))) return GS;
    if (event.ctrlKey || event.metaKey) return "";
    if (event.key.length !== 1) return "";
    const pair = layout === "key" ? undefined : US[event.code];
    if (!pair) return event.key;
    const capital = event.getModifierState("CapsLock") && /^Key/.test(event.code);
    if (!pair.includes(event.key)) state.foreign = true;
    if (state.foreign || capital) return pair[event.shiftKey ? 1 : 0];
    return event.key;
  }

  /* ---------- a field that a scan runs into gets back what it held ---------- */
  function hold(field) {
    if (!field) return null;
    const span = field.type === "number" ? [null, null] : [field.selectionStart, field.selectionEnd];
    return { field, value: field.value, span };
  }
  function restore(held) {
    if (!held?.field.isConnected || held.field.value === held.value) return;
    held.field.value = held.value;
    if (held.span[0] !== null) held.field.setSelectionRange(...held.span);
    held.field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  /* A gauge on the wedge types its value into the number field that waits for it: that is no code. */
  function isValue(field, typed) {
    const numeric = field.matches("[inputmode=none],[inputmode=decimal],[inputmode=numeric],[type=number],[data-scan=value]");
    return numeric && /^[-+]?[\d.,]{1,12}$/.test(typed);
  }

  function forget() {
    clearTimeout(state.timer);
    Object.assign(state, { keys: [], held: null, marked: false });
  }

  class ScanRouter extends HTMLElement {
    connectedCallback() {
      this.queue = [];
      this.recent = new Map();
      this.listener = (event) => this.onKey(event);
      this.release = (event) => this.onRelease(event);
      document.addEventListener("keydown", this.listener, true);
      document.addEventListener("keyup", this.release, true);
      document.addEventListener("submit", (event) => this.onSubmit(event), true);
    }
    disconnectedCallback() {
      document.removeEventListener("keydown", this.listener, true);
      document.removeEventListener("keyup", this.release, true);
      forget();
    }

    onKey(event) {
      if (event.isComposing || MODIFIERS.has(event.key)) return;
      if (event.repeat) return state.marked ? event.preventDefault() : forget();
      if (event.altKey && /^Numpad\d$/.test(event.code)) {
        state.digits += event.code.slice(-1);
        return;
      }
      const field = document.activeElement?.matches?.(EDITABLE) ? document.activeElement : null;
      if (field?.dataset.scan === "text") return forget();
      if (event.key === "Enter" || event.key === "Tab") return this.onEnd(event, field);
      const prefix = /^F(1[3-9]|2[0-4])$/.test(event.key) || (event.ctrlKey && event.code === "KeyB");
      const character = prefix ? "" : decode(event, this.getAttribute("layout"));
      if (prefix) {
        forget();
        state.held = hold(field);
        state.marked = true;
        event.preventDefault();
        return this.expectEnd();
      }
      if (!character) return forget();
      this.take(event, character, field);
    }

    take(event, character, field) {
      const last = state.keys.at(-1);
      const gap = last ? event.timeStamp - last.time : 0;
      if (!state.marked && last && gap > (field ? 400 : 2000)) forget();
      if (!state.keys.length) state.held = hold(field);
      const separators = this.getAttribute("separators") ?? "";
      state.keys.push({ text: separators.includes(character) ? GS : character, time: event.timeStamp });
      const typed = text(state.keys);
      if (!state.marked && /^\][A-Za-z][0-9]$/.test(typed) && event.timeStamp - state.keys[0].time <= 120) {
        state.marked = true;
        restore(state.held);
      }
      /* Nothing of a scan may press a button, scroll the page or open a menu of the browser. */
      const space = character === " " && !field && gap < 60 && state.keys.length > 1;
      if (state.marked || space || character === GS) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
      this.expectEnd();
    }

    onRelease(event) {
      if (event.key !== "Alt" || !state.digits) return;
      if (Number(state.digits) === 29 && state.keys.length) state.keys.push({ text: GS, time: event.timeStamp });
      state.digits = "";
    }

    onEnd(event, field) {
      const { keys, held, marked } = state;
      const typed = text(keys);
      const fast = marked || quick(keys, Boolean(field));
      /* Without a field nothing else could be meant by four characters and Enter, however slowly they came. */
      const slow = !field && event.key === "Enter" && keys.length >= 4;
      forget();
      if (!fast && !slow) return;
      if (field && !marked && isValue(field, typed)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (fast) sessionStorage.setItem(ENDING, "enter");
      restore(held);
      this.read(typed);
    }

    /* A scanner without a suffix ends by falling silent. */
    expectEnd() {
      clearTimeout(state.timer);
      state.timer = setTimeout(() => {
        const { keys, held, marked } = state;
        const field = held?.field;
        if (!keys.length || (!marked && (field || !quick(keys, false)))) return;
        if (sessionStorage.getItem(ENDING) !== "enter") sessionStorage.setItem(ENDING, "silence");
        forget();
        restore(held);
        this.read(text(keys));
      }, silence());
    }

    /* The form of the typed number is a scan as well; without scripts it is posted as it stands. */
    onSubmit(event) {
      const form = event.target;
      if (!form.matches?.("form[data-scan-form]")) return;
      event.preventDefault();
      const input = form.elements.code;
      if (input.value.trim()) this.read(input.value);
      input.value = "";
    }

    read(code) {
      const now = performance.now();
      const before = this.recent.get(code);
      this.recent.set(code, now);
      if (before !== undefined && now - before < 1500) {
        mes.sound("tick");
        mes.say(this.dataset.again ?? "");
        return;
      }
      if (this.queue.length >= 10) return band().show("bad", this.dataset.full, code);
      mes.sound("tick");
      this.queue.push({ code, key: mes.uuid(), at: new Date(mes.now()).toISOString() });
      this.pips();
      if (!this.sending) this.next();
    }

    async next() {
      const scan = this.queue[0];
      if (!scan) return;
      this.sending = true;
      const waiting = setTimeout(() => band().show("queued", this.dataset.waiting, scan.code), 700);
      const verdict = await this.send(scan);
      clearTimeout(waiting);
      this.sending = false;
      this.queue.shift();
      const rest = this.queue.length;
      if (verdict === "bad" && rest) {
        this.queue.length = 0;
        mes.say((this.dataset.dropped ?? "").replace("{count}", rest), true);
      }
      this.pips();
      this.next();
    }

    /* The same key until there is an answer: a scan whose answer was lost is asked again, never done again. */
    async send(scan) {
      const body = new URLSearchParams({ code: scan.code, command_id: scan.key, at: scan.at });
      body.set("context", this.getAttribute("context") ?? "");
      for (let attempt = 0; attempt < 4; attempt += 1) {
        if (attempt) await new Promise((done) => setTimeout(done, 300 * 2 ** attempt));
        try {
          const answer = await fetch(this.getAttribute("url"), {
            method: "POST",
            body,
            headers: { "X-CSRFToken": mes.csrf, "HX-Request": "true" },
            signal: AbortSignal.timeout(8000),
          });
          if (answer.status === 429 || answer.status === 409 || answer.status >= 500) continue;
          const html = await answer.text();
          /* No verdict: the person or the terminal is not signed in any more. */
          if (answer.status === 401 || !html.includes("data-v=")) {
            location.reload();
            return "bad";
          }
          return band().put(html);
        } catch {
          /* lost: ask again with the same key */
        }
      }
      band().show("bad", this.dataset.lost, scan.code);
      return "bad";
    }

    pips() {
      const pips = document.querySelector("[data-scan-pips]");
      if (pips) pips.textContent = "●".repeat(this.queue.length);
    }
  }

  /* ---------- the verdict ---------- */
  const band = () => document.querySelector("scan-band");
  const KEPT = "mes-band";

  class ScanBand extends HTMLElement {
    connectedCallback() {
      const kept = sessionStorage.getItem(KEPT);
      sessionStorage.removeItem(KEPT);
      if (kept) this.put(kept, true);
      else this.ring();
      /* What a button was answered is shown here as well. */
      this.addEventListener("htmx:afterSwap", () => {
        clearTimeout(this.timer);
        this.ring();
      });
      this.addEventListener("click", (event) => {
        if (!event.target.closest("a,button")) this.clear();
      });
      document.addEventListener("keydown", (event) => event.key === "Escape" && this.firstElementChild && this.clear());
    }
    clear() {
      clearTimeout(this.timer);
      this.replaceChildren();
    }
    /* A verdict made here because no answer came; its words came with the page. */
    show(verdict, words, code) {
      const [did, next] = (words ?? "").split("|");
      const frame = document.createElement("div");
      frame.className = "mes-band t-band-top";
      frame.dataset.v = verdict;
      frame.dataset.testid = "scan-verdict";
      frame.setAttribute("role", verdict === "bad" ? "alert" : "status");
      const lines = document.createElement("div");
      [["what", code], ["did", did], ["next", next]].forEach(([kind, words_]) => {
        const line = document.createElement("p");
        line.className = kind;
        line.textContent = words_ ?? "";
        lines.append(line);
      });
      frame.append(document.createElement("span"), lines);
      this.replaceChildren(frame);
      this.ring();
    }
    put(html, kept) {
      clearTimeout(this.timer);
      this.innerHTML = html;
      const frame = this.querySelector("[data-v]");
      const verdict = frame?.dataset.v ?? "bad";
      const go = frame?.dataset.go;
      if (go && !kept) {
        frame.removeAttribute("data-go");
        sessionStorage.setItem(KEPT, this.innerHTML);
        location.assign(go);
        return verdict;
      }
      window.htmx?.process(this);
      this.fill(frame);
      this.ring();
      if (!kept) document.dispatchEvent(new CustomEvent("mes:refresh"));
      return verdict;
    }
    /* A quantity or a gauge that was scanned stands in the field that waits for it. */
    fill(frame) {
      const input = document.getElementById(frame?.dataset.fillInto);
      if (!input) return;
      input.value = frame.dataset.fill;
      input.dataset.typed = "1";
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
    ring() {
      const frame = this.querySelector("[data-v]");
      if (!frame) return;
      const verdict = frame.dataset.v;
      mes.sound(verdict);
      if (verdict === "bad") navigator.vibrate?.(300);
      const words = [...frame.querySelectorAll("p")].map((line) => line.textContent.trim()).join(" ");
      mes.say(words, verdict === "bad" || verdict === "ask");
      /* A good verdict goes by itself, but not while it can still be undone with a finger on it. */
      if (verdict === "good") this.timer = setTimeout(() => this.clear(), frame.querySelector("form") ? 6000 : 2500);
    }
  }

  /* ---------- sound ---------- */
  const TONES = {
    tick: [["sine", 1200, 0, 0.02, 0.1]],
    good: [["sine", 880, 0, 0.06, 0.3], ["sine", 1320, 0.06, 0.06, 0.3]],
    bad: [["square", 220, 0, 0.45, 0.25]],
    ask: [["sine", 660, 0, 0.09, 0.3], ["sine", 660, 0.14, 0.09, 0.3]],
    queued: [["sine", 1000, 0, 0.03, 0.15]],
  };
  let audio = null;
  mes.sound = (name) => {
    if (document.documentElement.dataset.sound === "off" || !TONES[name]) return;
    try {
      audio ??= new AudioContext();
      if (audio.state === "suspended") audio.resume();
      TONES[name].forEach(([type, frequency, start, length, volume]) => {
        const tone = new OscillatorNode(audio, { type, frequency });
        const gain = new GainNode(audio, { gain: volume });
        tone.connect(gain).connect(audio.destination);
        tone.start(audio.currentTime + start);
        tone.stop(audio.currentTime + start + length);
      });
    } catch {
      /* no loudspeaker: colour and words remain */
    }
  };

  customElements.define("scan-band", ScanBand);
  customElements.define("scan-router", ScanRouter);
})();
