/* <num-pad for>: keys that write into a number field. <value-judge for>: what a measured value means while it is typed.
   [data-echo]: words that repeat the number elsewhere, such as the label of the primary button. */
(() => {
  "use strict";
  const field = (element) => document.getElementById(element.getAttribute("for") ?? element.dataset.for ?? element.dataset.echo);
  const number = (text) => {
    const plain = text.trim().replace(",", ".");
    return /^[-+]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : NaN;
  };
  /* As people write it, without the dust of binary fractions. */
  const words = (value) => (Number.isFinite(value) ? String(Number(value.toFixed(6))) : "");

  function write(input, text) {
    input.value = text;
    input.dataset.typed = "1";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  /* The amount that was proposed is replaced by the first key, not prolonged. */
  function base(input) {
    return input.dataset.typed ? input.value : "";
  }

  class NumPad extends HTMLElement {
    connectedCallback() {
      this.addEventListener("click", (event) => {
        const key = event.target.closest("button")?.dataset.key;
        const input = field(this);
        if (!key || !input) return;
        const now = base(input);
        if (key === "clear") write(input, "");
        else if (key === "back") write(input, input.value.slice(0, -1));
        else if (key === "sign") write(input, input.value.startsWith("-") ? input.value.slice(1) : `-${input.value}`);
        else if (key === ".") write(input, now.includes(".") ? now : `${now || "0"}.`);
        else write(input, (now === "0" ? "" : now) + key);
      });
    }
  }
  customElements.define("num-pad", NumPad);

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("button[data-set],button[data-add]");
    const input = chip && field(chip);
    if (!input) return;
    if (chip.dataset.set !== undefined) write(input, chip.dataset.set);
    else write(input, words((number(input.value) || 0) + Number(chip.dataset.add)));
  });
  /* A finger has no keys of its own: it is led to the pad. */
  document.addEventListener("pointerup", (event) => {
    const input = event.pointerType === "touch" && event.target.closest?.("[data-pad-href]");
    if (input) location.assign(input.dataset.padHref);
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("input[data-proposed]") && !event.target.dataset.typed) event.target.select();
  });
  document.addEventListener("beforeinput", (event) => {
    if (event.target.matches?.("input[data-proposed]")) event.target.dataset.typed = "1";
  });

  function echo(input) {
    const value = number(input.value);
    document.querySelectorAll(`[data-echo="${CSS.escape(input.id)}"]`).forEach((element) => {
      const sum = Number(element.dataset.base ?? 0) + (Number.isFinite(value) ? value : 0);
      if (element.dataset.of !== undefined) {
        element.setAttribute("width", `${Math.min(100, Math.max(0, (100 * sum) / Number(element.dataset.of || 1)))}%`);
        return;
      }
      const shown = element.dataset.text.replace("{value}", words(value) || "–").replace("{sum}", words(sum));
      if (element.textContent !== shown) element.textContent = shown;
    });
    document.querySelectorAll("button[data-set]").forEach((chip) => {
      if (field(chip) === input) chip.setAttribute("aria-pressed", String(number(chip.dataset.set) === value));
    });
  }

  /* The server judges again; this only says at once what it will say. */
  class ValueJudge extends HTMLElement {
    judge(input) {
      const value = number(input.value);
      const edge = (name) => (this.hasAttribute(name) ? Number(this.getAttribute(name)) : NaN);
      const [lower, upper] = [edge("lower"), edge("upper")];
      let verdict = "none";
      if (Number.isFinite(value)) verdict = value < lower ? "low" : value > upper ? "high" : "in";
      this.dataset.verdict = verdict;
      this.querySelectorAll("[data-when]").forEach((line) => {
        line.hidden = !line.dataset.when.split(" ").includes(verdict);
      });
      const marker = this.querySelector("[data-marker]");
      if (!marker) return;
      marker.toggleAttribute("hidden", verdict === "none");
      marker.setAttribute("visibility", verdict === "none" ? "hidden" : "visible");
      const span = upper - lower;
      if (Number.isFinite(span) && span > 0 && verdict !== "none") {
        const share = Math.min(1.12, Math.max(-0.12, (value - lower) / span));
        marker.setAttribute("transform", `translate(${(30 + share * 360).toFixed(1)} 0)`);
      }
    }
    connectedCallback() {
      const input = field(this);
      if (input) this.judge(input);
    }
  }
  customElements.define("value-judge", ValueJudge);

  document.addEventListener("input", (event) => {
    const input = event.target;
    if (!input.id) return;
    echo(input);
    document.querySelectorAll("value-judge").forEach((judge) => field(judge) === input && judge.judge(input));
  });
  document.querySelectorAll("input[id]").forEach(echo);

  /* The outline of a card grows with the size chosen for the screen. */
  document.querySelectorAll("select[data-calibrate]").forEach((select) => {
    select.addEventListener("change", () => {
      document.getElementById(select.dataset.calibrate).dataset.mm = select.value;
      document.querySelectorAll("[data-calibrated]").forEach((field_) => (field_.value = select.value));
    });
  });

  /* One of several tiles; the chosen value travels in a hidden field or a radio beside it. */
  document.addEventListener("click", (event) => {
    const tile = event.target.closest("[data-choose]");
    if (!tile) return;
    const target = document.getElementById(tile.dataset.for);
    target.value = tile.dataset.choose;
    tile.parentElement.querySelectorAll("[data-choose]").forEach((other) => {
      other.setAttribute("aria-pressed", String(other === tile));
    });
    target.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
