/** The levers: what can be done to the machine and its Telegram, what to watch then, and how to undo it. */
import { h } from "../dom.js";
import { order } from "../orders.js";
import { put } from "./words.js";

const section = document.getElementById("levers");
const list = h("ul", { class: "levers cards", role: "list" });
const cards = new Map();
/** For screen readers, once a lever is on or off: its progress would never let them finish. */
const announced = h("p", { class: "visually-hidden", role: "status" });

section.append(h("p", {}, "Break something, and watch the machine. Each has an Undo."), list, announced);

/** Each frame has all levers; another run may have others. */
export function show({ levers }) {
  const names = new Set(levers.map(({ name }) => name));
  for (const [name, { item }] of cards) {
    if (names.has(name)) continue;
    item.remove();
    cards.delete(name);
  }
  for (const lever of levers) {
    if (!cards.has(lever.name)) cards.set(lever.name, card(lever));
    fill(cards.get(lever.name), lever);
  }
}

function card({ name, label, choices }) {
  const id = `lever-${name}`;
  const said = h("p", { class: "lever-said" });
  const watch = h("p", { class: "lever-watch", id: `${id}-watch` });
  const choice = choices && h("select", { class: "plain lever-choice", "aria-label": `${label}: which command` });
  const parts = { label, said, choice, error: "", isOn: null };
  const pull = h("button", { type: "button", class: "button lever-pull", "aria-describedby": `${id}-watch`, onclick: () => send(parts, name, true) }, label);
  const undo = h("button", { type: "button", class: "button lever-undo", "aria-label": `Undo: ${label}`, onclick: () => {
    if (undo.getAttribute("aria-disabled") !== "true") send(parts, name, false);
  } }, "Undo");
  const item = h("li", { class: "lever card", id }, h("div", { class: "lever-buttons" }, pull, choice, undo), watch, said);
  list.append(item);
  return Object.assign(parts, { item, pull, undo, watch });
}

function fill(parts, { on, busy, said, watch, choices, choice, can_undo: canUndo }) {
  if (watch) put(parts.watch, watch);
  if (choices) offer(parts.choice, choices, choice);
  parts.item.dataset.on = String(on);
  parts.item.dataset.busy = String(busy);
  parts.pull.setAttribute("aria-pressed", String(on));
  parts.undo.setAttribute("aria-disabled", String(!on && !canUndo));
  const sentence = parts.error || [on && "On.", said].filter(Boolean).join(" ");
  put(parts.said, sentence);
  if (parts.isOn !== null && parts.isOn !== on) put(announced, `${parts.label}: ${on ? "on" : "off"}. ${said}`);
  parts.isOn = on;
}

/** Has the list be these commands; what somebody is about to choose stays chosen, if it is still there. */
function offer(select, choices, choice) {
  if (choices.join() === [...select.options].map((option) => option.value).join()) return;
  const chosen = choices.includes(select.value) ? select.value : choice;
  select.replaceChildren(...choices.map((one) => h("option", { value: one, selected: one === chosen }, `/${one}`)));
}

async function send(parts, name, on) {
  try {
    const command = on && parts.choice?.value ? { command: parts.choice.value } : {};
    const state = await order(`/page/levers/${name}`, { on, ...command });
    parts.error = "";
    fill(parts, state);
  } catch (error) {
    parts.error = error.message;
    put(parts.said, parts.error);
    put(announced, `${parts.label}: ${parts.error}`);
  }
}
