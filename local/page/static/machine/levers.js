/** The levers: what can be done to the machine and its Telegram, what to watch then, and how to undo it. */
import { h } from "../dom.js";
import { order } from "../orders.js";
import { put } from "./words.js";

const section = document.getElementById("levers");
const list = h("ul", { class: "levers" });
const cards = new Map();

section.append(h("p", {}, "Break something, and watch the machine. Each has an Undo."), list);

export function show({ levers }) {
  for (const lever of levers) {
    if (!cards.has(lever.name)) cards.set(lever.name, card(lever));
    fill(cards.get(lever.name), lever);
  }
}

function card({ name, label, watch }) {
  const id = `lever-${name}`;
  const said = h("p", { class: "lever-said", role: "status" });
  const parts = { said, sentence: "", error: "" };
  const pull = h("button", { type: "button", class: "lever-pull", "aria-describedby": `${id}-watch`, onclick: () => send(parts, name, true) }, label);
  const undo = h("button", { type: "button", class: "lever-undo", "aria-label": `Undo: ${label}`, onclick: () => {
    if (undo.getAttribute("aria-disabled") !== "true") send(parts, name, false);
  } }, "Undo");
  const item = h("li", { class: "lever", id }, h("div", { class: "lever-buttons" }, pull, undo),
    h("p", { class: "lever-watch", id: `${id}-watch` }, watch), said);
  list.append(item);
  return Object.assign(parts, { item, pull, undo });
}

function fill(parts, { on, busy, said }) {
  parts.item.dataset.on = String(on);
  parts.item.dataset.busy = String(busy);
  parts.pull.setAttribute("aria-pressed", String(on));
  parts.undo.setAttribute("aria-disabled", String(!on));
  parts.sentence = [on && "On.", said].filter(Boolean).join(" ");
  put(parts.said, parts.error || parts.sentence);
}

async function send(parts, name, on) {
  try {
    const state = await order(`/page/levers/${name}`, { on });
    parts.error = "";
    fill(parts, state);
  } catch (error) {
    parts.error = error.message;
    put(parts.said, parts.error);
  }
}
