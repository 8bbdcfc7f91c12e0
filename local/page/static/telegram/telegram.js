/** The left half: puts the list, the conversation and the message box together, and shows frames in them. */
import { troubled } from "../connection.js";
import { h } from "../dom.js";
import { order } from "../orders.js";
import { bridge } from "./bridge.js";
import { composer } from "./composer.js";
import { conversation } from "./conversation.js";
import { alertOf, newGroup, newPerson } from "./dialogs.js";
import { link } from "./entities.js";
import { icon } from "./icons.js";
import { chatList } from "./list.js";
import { apply, chatOf, hueOf, initials, nameOf, titleOf, world } from "./world.js";

const TOAST_MS = 5000;
const ANSWER_MS = 15_000; // then a press may be given again, as in Telegram's apps
const KEPT = "floodgate.chat"; // the open chat, for when the page is loaded again
const ACTIONS = { typing: "typing …", upload_photo: "sending a photo …", upload_document: "sending a file …" };

const section = document.getElementById("telegram");
const pressed = new Map(); // callback query id → the button that waits for its answer
const early = new Map(); // answers that came before the button's order was answered
const speakers = new Map(); // group id → as whom one writes there
let openId = null;
let wanted = null; // a chat to open once it is there
let isShown = false;

const me = (chat) => (chat.type === "private" ? chat.id : chat.members.includes(speakers.get(chat.id)) ? speakers.get(chat.id) : chat.members[0]);
const current = () => chatOf(openId);

const list = chatList({
  open: (id) => { open(id); if (isNarrow()) head.focus(); else writing.focus(); },
  isOpen: (id) => id === openId && !(isNarrow() && section.classList.contains("is-listed")),
  me,
  newPerson: () => newPerson(openSoon),
  newGroup: () => newGroup(openSoon),
});
const talk = conversation({
  me: () => me(current()),
  command: (text) => writing.say(text),
  press,
  reply: (message) => writing.reply(message),
  say: toast,
  seen,
  empty: () => h("div", { class: "empty" }, h("p", {}, openId > 0
    ? `${nameOf(openId)} has not met ${world.bot.name} yet.`
    : "Nothing has been said here yet.")),
});
const writing = composer({
  me: () => me(current()),
  choose: (id) => { speakers.set(openId, id); open(openId); writing.focus(); },
  sent: () => talk.toBottom(),
  say: toast,
});
const head = h("div", { class: "what", tabindex: -1 });
const avatar = h("span", { class: "avatar small", "aria-hidden": "true" });
const back = h("button", { type: "button", class: "button icon back", "aria-label": "Back to the chats", onclick: toList }, icon("back"));
const pinned = h("button", { type: "button", class: "pinned", hidden: true, onclick: () => talk.goTo(current().pinned.id) });
const bubbleToast = h("p", { class: "toast", role: "status", hidden: true });
const more = h("div", { class: "popup below", role: "group", "aria-label": "More", hidden: true });
const moreButton = h("button", { type: "button", class: "button icon", "aria-label": "More", title: "More", "aria-expanded": "false", onclick: () => toggleMore(more.hidden) }, icon("more"));
const pane = h("div", { class: "conversation" },
  h("div", { class: "head" }, back, avatar, head, moreButton), more, pinned, ...talk.parts, writing.element);
talk.parts[1].append(bubbleToast);

const isNarrow = () => getComputedStyle(back).display !== "none";

function toList() {
  section.classList.replace("is-open", "is-listed");
  const left = openId;
  list.update([left]);
  list.focusOn(left);
}

function seen() {
  if (openId === null || (isNarrow() && section.classList.contains("is-listed"))) return;
  const chat = current();
  if (chat.read === chat.newest) return;
  chat.read = chat.newest;
  list.update([openId]);
}

function open(id) {
  const before = openId;
  openId = id;
  wanted = null;
  try { sessionStorage.setItem(KEPT, String(id)); } catch { /* a browser that keeps nothing */ }
  section.classList.remove("is-listed");
  section.classList.add("is-open");
  bubbleToast.hidden = true;
  writing.open(current());
  showHead();
  const chat = current();
  chat.read = chat.newest;
  talk.open(chat);
  list.update(before === null ? [id] : [before, id]);
}

/** Open a chat that was just made, as soon as the server shows it. */
function openSoon(id) {
  wanted = id;
  if (world.people.has(id) || world.chats.has(id)) setTimeout(openWanted); // when the dialog has given the focus back
}

function showHead() {
  const chat = current();
  const title = titleOf(chat);
  avatar.className = `avatar small hue-${hueOf(chat.id)}`;
  avatar.textContent = initials(title);
  const people = chat.members.length;
  const quiet = chat.bot === "out" ? (chat.type === "private" ? `has blocked ${world.bot.name}` : `${world.bot.name} is not in this group`)
    : chat.type === "private" ? `with ${world.bot.name} @${world.bot.username}`
    : `${people} ${people === 1 ? "person" : "people"} and ${world.bot.name}${chat.bot === "administrator" ? ", an administrator" : ""}`;
  const doing = chat.action && `${world.bot.name} is ${ACTIONS[chat.action] ?? "busy …"}`;
  head.replaceChildren(h("h3", {}, title), h("p", doing ? { class: "typing" } : {}, doing || quiet));
  pinned.hidden = !chat.pinned;
  if (chat.pinned) pinned.replaceChildren(h("b", {}, "Pinned"), h("span", {}, chat.pinned.text));
  moreButton.hidden = chat.type === "private" && chat.count === 0;
}

function toggleMore(isOpen) {
  more.hidden = !isOpen;
  moreButton.setAttribute("aria-expanded", String(isOpen));
  if (!isOpen) return;
  const chat = current();
  const change = (words, status) => h("button", { type: "button", onclick: () => {
    toggleMore(false);
    moreButton.focus();
    tell("/control/members", { chat_id: chat.id, status });
  } }, words);
  more.replaceChildren(...(
    chat.type === "private" ? [chat.bot === "out" ? change("Unblock the bot", "member") : change("Block the bot", "kicked")]
    : chat.bot === "out" ? [change("Add the bot", "member")]
    : [chat.bot === "administrator" ? change("Make the bot a plain member", "member") : change("Make the bot an administrator", "administrator"), change("Remove the bot", "kicked")]
  ));
  more.querySelector("button").focus();
}

pane.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || more.hidden) return;
  toggleMore(false);
  moreButton.focus();
});
more.addEventListener("focusout", (event) => {
  if (!more.contains(event.relatedTarget) && event.relatedTarget !== moreButton) toggleMore(false);
});
pane.addEventListener("dragover", (event) => event.preventDefault());
pane.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) writing.drop(event.dataTransfer.files[0]);
});

async function tell(path, body) {
  try {
    return await order(path, body);
  } catch (error) {
    toast(error.message);
    return null;
  }
}

async function press(message, button, element) {
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  const chat = current();
  const body = { chat_id: chat.id, message_id: message.id, data: button.callback_data, user_id: me(chat) };
  const told = await tell("/control/callbacks", body);
  if (!told) return element.removeAttribute("aria-busy");
  pressed.set(told.callback_query_id, element);
  if (early.has(told.callback_query_id)) answer(early.get(told.callback_query_id));
  setTimeout(() => {
    if (pressed.get(told.callback_query_id) !== element) return;
    element.removeAttribute("aria-busy");
    toast(`${world.bot.name} has not answered the press yet (answerCallbackQuery).`);
  }, ANSWER_MS);
  return undefined;
}

/** The bot's answer to a button: to one that this page pressed it is shown, once. */
function answer(given) {
  const element = pressed.get(given.query);
  early.delete(given.query);
  if (!element) {
    early.set(given.query, given);
    if (early.size > 50) early.delete(early.keys().next().value);
    return;
  }
  pressed.delete(given.query);
  element.removeAttribute("aria-busy");
  if (given.url) toast("The bot opens ", link(given.url, given.url));
  else if (given.text && given.show_alert) {
    bubbleToast.hidden = true;
    alertOf(world.bot.name, given.text);
  }
  else if (given.text) toast(given.text);
}

let toastEnds = null;
function toast(...words) {
  bubbleToast.replaceChildren(...words);
  bubbleToast.hidden = false;
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => { bubbleToast.hidden = true; }, TOAST_MS);
}

/** In place of people there may be a bridge to the real Telegram, which says what it does. */
function showBridge(frame) {
  isShown = false;
  section.classList.remove("is-open", "is-listed");
  document.body.dataset.bridge = "";
  const part = bridge(frame);
  if (part.parentElement !== section) section.replaceChildren(section.querySelector("h2"), part);
}

/** Take a frame of the stream in and show what it changes. */
export function show(frame) {
  if (frame.kind === "bridge") return showBridge(frame);
  if (frame.kind === "change" && frame.run !== world.run) return undefined;
  const changed = apply(frame);
  if (!isShown) {
    delete document.body.dataset.bridge;
    troubled("");
    section.replaceChildren(section.querySelector("h2"), list.element, pane);
    section.classList.add("is-listed");
    isShown = true;
  }
  if (changed.isAll) showAll(changed);
  else showChanged(changed);
  for (const given of changed.answers) answer(given);
  openWanted();
  return undefined;
}

function openWanted() {
  if (wanted === null || !(world.people.has(wanted) || world.chats.has(wanted))) return;
  open(wanted);
  writing.focus();
}

/** Chats in which something was said, the latest first; then people, groups, and the admin, who is there for failures. */
function everyId() {
  const ids = [...new Set([...world.chats.keys(), ...world.people.keys()])];
  const place = (id) => (world.chats.get(id)?.newest ? 0 : id > 1 ? 1 : id < 0 ? 2 : 3);
  return ids.sort((a, b) => place(a) - place(b));
}
const isThere = (id) => (world.people.has(id) || world.chats.has(id)) && chatOf(id).moved_to == null;

function showAll(changed) {
  if (changed.isNew) for (const kept of [pressed, early]) kept.clear();
  const ids = everyId().filter((id) => world.people.has(id) || world.chats.get(id).type !== "private");
  let kept = openId;
  try { kept ??= Number(sessionStorage.getItem(KEPT)); } catch { /* likewise */ }
  const next = isThere(kept) ? kept : ids.find((id) => id > 1) ?? ids[0];
  if (!changed.isNew && next === openId) {
    list.reset(ids);
    showHead();
    talk.resume(current());
    writing.resume(current());
    return;
  }
  const isListed = section.classList.contains("is-listed");
  const isHeld = pane.contains(document.activeElement);
  openId = next;
  list.reset(ids);
  open(next);
  if (isListed) section.classList.replace("is-open", "is-listed");
  if (isHeld) writing.focus();
}

function showChanged(changed) {
  const ids = new Set([...changed.chats, ...changed.people, ...changed.messages.keys()]);
  const moved = current().moved_to;
  if (moved != null && isThere(moved)) open(moved);
  if (changed.messages.has(openId)) talk.update(changed.messages.get(openId));
  if (ids.has(openId)) {
    showHead();
    writing.refresh();
  } else if (changed.menus) writing.refresh();
  list.update(ids);
}
