// One fan: where their ticket stands, and what may be done for them alone.

import { ask, change } from "./api.js";
import { question } from "./dialogs.js";
import { el, say, write } from "./dom.js";
import { clock, number } from "./words.js";

const STANDINGS = {
  waiting: "waits in the line", turn: "has their turn, and may come in", active: "is inside", ended: "has a ticket that is worth nothing any more",
  unknown: "is not known yet: the line is being put back together", noted: "came while the line was away, and has no place yet",
};

// What somebody pasted: a ticket, or the admission token of who is inside; with the name of its cookie, or without.
function papers(text) {
  const value = text.trim().split("=").pop().trim();
  return value.startsWith("v1.") ? { ticket: value } : { token: value };
}

export class Fan {
  // `onDone` when something was done to a fan.
  constructor(onDone) {
    Object.assign(this, { onDone, room: null, me: null, found: null, held: null });
    this.field = el("input", { id: "fan", autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true, "data-testid": "fan", "aria-describedby": "fan-help" });
    this.said = el("p", { class: "said", role: "alert", "data-testid": "fan-said" });
    this.facts = el("dl", { class: "facts", hidden: true, "data-testid": "fan-facts" });
    const button = (name, words, act, kind) => el("button", { type: "button", class: kind, disabled: true, "data-testid": `fan-${name}`, onclick: act }, words);
    this.buttons = {
      admit: button("admit", "Let in now…", () => this.admit(), "quiet"),
      move: button("move", "Move…", () => this.move(), "quiet"),
      revoke: button("revoke", "Take the ticket…", () => this.revoke(), "grave quiet"),
    };
    this.element = el("section", { class: "trail fan", "aria-labelledby": "fan-heading" },
      el("h2", { id: "fan-heading" }, "One fan"),
      el("form", { class: "lookup", novalidate: true, onsubmit: (event) => { event.preventDefault(); this.look(); } },
        el("label", { for: "fan" }, "Ticket, or admission token"),
        el("div", { class: "with-steps" }, this.field, el("button", { type: "submit", "data-testid": "fan-look" }, "Look up")),
        el("p", { class: "soft", id: "fan-help" }, "The value of the fan's cookie wr-ticket-… or wr-admission-…. It is asked for and kept nowhere.")),
      this.said, this.facts, el("div", { class: "actions" }, Object.values(this.buttons)));
  }

  show(room, me) {
    // A ticket is of one room.
    if (this.room && room.id !== this.room.id) this.clear();
    Object.assign(this, { room, me });
    this.showButtons();
  }

  get path() { return `rooms/${encodeURIComponent(this.room.id)}/tickets`; }

  clear() {
    this.found = this.held = null;
    this.field.value = "";
    this.facts.hidden = true;
    write(this.said, "");
  }

  showButtons() {
    const standing = this.me?.role === "viewer" ? null : this.found?.standing;
    this.buttons.admit.disabled = standing !== "waiting";
    this.buttons.move.disabled = standing !== "waiting";
    this.buttons.revoke.disabled = !["waiting", "turn", "active", "unknown"].includes(standing);
  }

  async look() {
    if (!this.field.value.trim()) return this.tell("Paste a ticket or a token first.", true);
    this.held = papers(this.field.value);
    await this.refresh();
    if (this.found) say(`The fan ${STANDINGS[this.found.standing]}.`);
  }

  // Where the fan stands now.
  async refresh() {
    try {
      this.found = (await ask(`${this.path}/look`, this.held)).value;
      this.tell("");
    } catch (error) {
      if (!("status" in error)) throw error;
      this.found = null;
      this.tell(error.message, true);
    }
    this.showFacts();
  }

  showFacts() {
    const { found } = this;
    this.facts.hidden = !found;
    this.showButtons();
    if (!found) return;
    const { id, lane, standing, ahead, until } = found;
    const lines = [
      ["The fan", STANDINGS[standing] || standing], ["Lane", lane], ["Before them", typeof ahead === "number" ? number(ahead) : null],
      ["Until", until ? clock(until) : null], ["Ticket id", id],
    ];
    this.facts.replaceChildren(...lines.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  }

  tell(words, wrong = false) {
    this.said.dataset.kind = wrong ? "wrong" : "";
    write(this.said, words);
    if (words) say(words);
  }

  // Asks before it is done, and why it is.
  async sure({ heading, words, action, kind, testid, fields = [] }) {
    const why = el("input", { id: "fan-why", autocomplete: "off", maxlength: 200, "data-testid": "fan-why" });
    const content = [el("p", {}, words), fields, el("label", { for: "fan-why" }, "Why, for the audit log"), why];
    const chosen = await question({ heading, content, choices: [{ value: "yes", words: action, kind }], testid });
    return chosen && { ...this.held, reason: why.value };
  }

  async admit() {
    const { ahead } = this.found;
    const body = await this.sure({
      heading: "Let this fan in now?", testid: "fan-admitting", action: "Let them in",
      words: `They go before the ${number(ahead ?? 0)} who stand before them, who each wait one turn longer. It is an exception to the order, and counted as one.`,
    });
    if (body) await this.act("admit", body, () => "Their turn has come: their page lets them in.");
  }

  async move() {
    const lane = el("select", { id: "fan-lane", "data-testid": "fan-lane" },
      this.room.lanes.map(({ name, waiting }) => el("option", { value: name, selected: name === this.found.lane }, `${name} (${number(waiting)} waiting)`)));
    const behind = el("input", { id: "fan-behind", autocomplete: "off", autocapitalize: "none", spellcheck: "false", "data-testid": "fan-behind" });
    const body = await this.sure({
      heading: "Move this fan?", testid: "fan-moving", action: "Move them",
      words: "To the end of a lane, or behind another fan. All who stand behind that fan then stand one place further back; nobody before them does.",
      fields: [
        el("label", { for: "fan-lane" }, "To the end of the lane"), lane,
        el("label", { for: "fan-behind" }, "Or right behind the fan with this ticket"), behind,
      ],
    });
    if (!body) return;
    const other = behind.value.trim() ? { behind: papers(behind.value).ticket ?? behind.value.trim() } : { lane: lane.value };
    await this.act("move", { ...body, ...other }, ({ lane: name, ahead }) =>
      `Moved to ${name}${typeof ahead === "number" ? `, with ${number(ahead)} before them` : ""}. Their page follows by itself.`);
  }

  async revoke() {
    const body = await this.sure({
      heading: "Take this fan's ticket?", testid: "fan-revoking", action: "Take it", kind: "grave",
      words: "Their place, their turn or their session is over, for good. They may join again at the end of the line.",
    });
    if (body) await this.act("revoke", body, () => "The ticket is worth nothing any more.");
  }

  async act(name, body, words) {
    try {
      const { value } = await change("POST", `${this.path}/${name}`, body);
      await this.refresh();
      this.tell(words(value));
      await this.onDone();
    } catch (error) {
      if (!("status" in error)) throw error;
      this.tell(error.isSilence ? "No answer came. It may have been done: look the fan up once more." : error.message, true);
    }
  }
}
