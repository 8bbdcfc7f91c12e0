/**
 * What one writes with: the message box, what is replied to, a file to send, as whom one writes in a group, the bot's
 * reply keyboard. Enter sends, Shift+Enter is a new line, Escape closes what is open, then takes back a reply or a file.
 */
import { h } from "../dom.js";
import { order } from "../orders.js";
import { size } from "./bubble.js";
import { icon } from "./icons.js";
import { commandMenu } from "./menu.js";
import { keyboardFor, nameOf, summary, titleOf, world } from "./world.js";

const PICTURES = /^image\/(png|jpeg|gif|webp)$/;
/** A place for those who are asked where they are: the middle of Berlin. */
const PLACE = { latitude: 52.52, longitude: 13.405 };

/** `me()`: as whom one writes; `choose(id)`: it is somebody else now; `sent()`; `goTo(id)`. */
export function composer(view) {
  let chat = null;
  let reply = null;
  let file = null;
  const drafts = new Map(); // chat id → text; another run has the same people
  const hidden = new Set(); // reply keyboards put away, by chat and message
  const forced = new Set(); // messages that have asked for their reply

  const box = h("textarea", { id: "message", rows: 1, "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": "commands", enterkeyhint: "send", autocomplete: "off", oninput: () => { remember(); menu.show(); } });
  const label = h("label", { class: "visually-hidden", for: "message" });
  const above = h("div", { class: "above", hidden: true });
  const as = h("div", { class: "as", hidden: true });
  const wrong = h("p", { class: "error", role: "alert", hidden: true });
  const lost = h("p", { class: "lost" }, h("b", {}, "⚠ Not live. "), "Nothing is sent, and nothing comes in: is `make run` still running?");
  const keys = h("div", { class: "keyboard", role: "group", "aria-label": "Reply keyboard", hidden: true });
  const picker = h("input", { type: "file", hidden: true, tabindex: -1, "aria-label": "File to send", onchange: () => { attach(picker.files[0]); picker.value = ""; } });
  const attachMenu = h("div", { class: "popup", role: "group", "aria-label": "Attach", hidden: true },
    h("button", { type: "button", onclick: () => pick("photo") }, "Photo"),
    h("button", { type: "button", onclick: () => pick("document") }, "File"));
  const attachButton = h("button", { type: "button", class: "button icon", "aria-label": "Attach a photo or a file", title: "Attach", "aria-expanded": "false", onclick: () => toggleAttach(attachMenu.hidden) }, icon("attach"));
  const commandsButton = h("button", { type: "button", class: "button icon", "aria-label": "Commands", title: "Commands (/)", hidden: true, onclick: showCommands }, icon("commands"));
  const keyboardButton = h("button", { type: "button", class: "button icon", "aria-label": "Reply keyboard", title: "Reply keyboard", hidden: true, onclick: toggleKeyboard }, icon("keyboard"));
  const send = h("button", { type: "button", class: "button icon send", "aria-label": "Send", title: "Send (Enter)", onclick: submit }, icon("send"));
  const start = h("button", { type: "button", class: "button primary start", hidden: true, onclick: () => say("/start") }, "Start");
  const menu = commandMenu(box, (command) => { box.value = ""; remember(); say(command); box.focus(); });
  const line = h("div", { class: "line" }, attachButton, label, box, commandsButton, keyboardButton, send);
  const element = h("div", { class: "composer" }, menu.list, attachMenu, lost, wrong, as, above, line, start, keys, picker);

  box.addEventListener("keydown", (event) => {
    if (event.isComposing || menu.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && (reply || file)) {
      event.preventDefault();
      setReply(null);
      attach(null);
    }
  });
  box.addEventListener("blur", () => menu.hide());
  box.addEventListener("paste", (event) => {
    const pasted = [...event.clipboardData.files][0];
    if (!pasted) return;
    event.preventDefault();
    attach(pasted, PICTURES.test(pasted.type) ? "photo" : "document");
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || attachMenu.hidden) return;
    event.preventDefault();
    toggleAttach(false);
    attachButton.focus();
  });
  element.addEventListener("focusout", (event) => {
    if (!attachMenu.hidden && !attachMenu.contains(event.relatedTarget) && event.relatedTarget !== attachButton) toggleAttach(false);
  });

  const draftKey = () => chat.id;
  const remember = () => drafts.set(draftKey(), box.value);

  function toggleAttach(isOpen) {
    attachMenu.hidden = !isOpen;
    attachButton.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) attachMenu.querySelector("button").focus();
  }

  function pick(kind) {
    toggleAttach(false);
    picker.dataset.kind = kind;
    picker.accept = kind === "photo" ? "image/png,image/jpeg,image/gif,image/webp" : "";
    picker.click();
  }

  function attach(chosen, kind = picker.dataset.kind) {
    file = chosen ? { kind, blob: chosen } : null;
    showAbove();
    if (chosen) box.focus();
  }

  function setReply(message) {
    reply = message;
    showAbove();
    if (message) box.focus();
  }

  function showAbove() {
    const what = file ? { title: file.kind === "photo" ? "Photo" : "File", text: `${file.blob.name}, ${size(file.blob.size)}` }
      : reply && { title: `Reply to ${reply.name}`, text: summary(reply) };
    above.hidden = !what;
    if (!what) return above.replaceChildren();
    const close = h("button", { type: "button", class: "button icon", "aria-label": file ? "Don't send the file" : "Don't reply", onclick: () => { if (file) attach(null); else setReply(null); box.focus(); } }, icon("close"));
    above.replaceChildren(h("div", { class: "what" }, h("b", {}, what.title), h("span", {}, what.text)), close);
    return undefined;
  }

  async function give(path, body) {
    wrong.hidden = true;
    try {
      await order(path, body);
      view.sent();
      return true;
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
      return false;
    }
  }

  const where = () => ({ chat_id: chat.id, ...(chat.type === "private" ? {} : { user_id: view.me() }), ...(reply ? { reply_to_message_id: reply.id } : {}) });

  async function say(text) {
    const body = { ...where(), text };
    setReply(null);
    return give("/control/messages", body);
  }

  async function submit() {
    const text = box.value.trim();
    if (!file && !text) return;
    const before = { text: box.value, file, reply, key: draftKey() };
    box.value = "";
    remember();
    let isDone;
    if (file) {
      const form = new FormData();
      for (const [name, value] of Object.entries(where())) form.set(name, value);
      if (text) form.set("caption", text);
      form.set(file.kind, file.blob, file.blob.name);
      const path = `/control/${file.kind}s`;
      attach(null);
      setReply(null);
      isDone = await give(path, form);
    } else isDone = await say(text);
    if (isDone || before.key !== draftKey() || box.value) return;
    Object.assign(box, { value: before.text }); // nothing that was written is lost to a refusal
    file = before.file;
    setReply(before.reply);
    remember();
  }

  function showCommands() {
    box.value = "/";
    box.focus();
    menu.show();
  }

  function toggleKeyboard() {
    const key = `${world.run} ${chat.id} ${keyboardFor(chat, view.me())?.message}`;
    if (!hidden.delete(key)) hidden.add(key);
    showKeyboard();
  }

  function showKeyboard() {
    const markup = keyboardFor(chat, view.me());
    const rows = markup?.keyboard?.filter((one) => one.length);
    const id = `${world.run} ${chat.id} ${markup?.message}`;
    const isHeld = keys.contains(document.activeElement);
    keyboardButton.hidden = !rows?.length;
    keys.hidden = !rows?.length || hidden.has(id);
    keyboardButton.setAttribute("aria-expanded", String(!keys.hidden));
    box.placeholder = markup?.input_field_placeholder || "Message";
    if (!keys.hidden && keys.dataset.of !== id) {
      keys.replaceChildren(...rows.map((one) => h("div", {}, one.map((button) => replyKey(button, markup, id)))));
      keys.classList.toggle("tall", !markup.resize_keyboard);
    }
    keys.dataset.of = keys.hidden ? "" : id;
    if (isHeld && keys.hidden) box.focus();
    else if (isHeld && !keys.contains(document.activeElement)) keys.querySelector("button").focus();
    if (markup?.force_reply && !forced.has(id)) {
      forced.add(id);
      const asking = chat.messages.get(markup.message);
      const isAnswered = [...chat.messages.values()].some((one) => one.reply?.id === markup.message && one.from === view.me());
      if (asking && !isAnswered) setReply(asking);
    }
  }

  function replyKey(given, markup, id) {
    const button = typeof given === "string" ? { text: given } : given;
    const other = Object.keys(button).find((name) => name.startsWith("request_") && !["request_contact", "request_location"].includes(name)) ?? (button.web_app && "web_app");
    if (other) return h("button", { type: "button", class: "key", "aria-disabled": "true", title: `This page has no ${other.replaceAll("_", " ")}`, onclick: () => view.say(`This page has no ${other.replaceAll("_", " ")}.`) }, button.text);
    return h("button", { type: "button", class: "key", onclick: async () => {
      if (markup.one_time_keyboard) {
        hidden.add(id);
        showKeyboard();
        box.focus();
      }
      if (button.request_contact) await give("/control/contacts", { ...where(), phone_number: `+1555${String(view.me()).padStart(7, "0")}` });
      else if (button.request_location) await give("/control/locations", { ...where(), ...PLACE });
      else await say(button.text);
    } }, button.text);
  }

  function showAs() {
    const isGroup = chat.type === "group" || chat.type === "supergroup";
    as.hidden = !isGroup || !chat.members.length;
    const drawn = `${chat.id} ${chat.members.map((id) => `${id} ${nameOf(id)}`)} ${view.me()}`;
    if (as.hidden || as.dataset.of === drawn) return;
    as.dataset.of = drawn;
    const select = h("select", { id: "as", class: "plain", onchange: () => view.choose(Number(select.value)) },
      chat.members.map((id) => h("option", { value: id, selected: id === view.me() }, nameOf(id))));
    as.replaceChildren(h("label", { for: "as" }, "Write as"), select);
  }

  function refresh() {
    const isNew = chat.type === "private" && chat.count === 0;
    const isHeld = document.activeElement === start;
    start.hidden = !isNew;
    line.hidden = isNew;
    if (isHeld && !isNew) box.focus();
    label.textContent = `Message from ${chat.type === "channel" ? titleOf(chat) : nameOf(view.me())}`;
    showAs();
    showKeyboard();
    menu.load(chat.id, view.me()).then(() => { commandsButton.hidden = !menu.has(); });
  }

  return {
    element,
    /** Write in this chat from now on. */
    open(opened) {
      chat = opened;
      reply = null;
      file = null;
      wrong.hidden = true;
      menu.hide();
      showAbove();
      box.value = drafts.get(draftKey()) ?? "";
      refresh();
    },
    /** Go on in the same chat, which the server has shown anew. */
    resume(same) {
      chat = same;
      refresh();
    },
    refresh,
    reply: setReply,
    say,
    drop: (dropped) => attach(dropped, PICTURES.test(dropped.type) ? "photo" : "document"),
    focus: () => (line.hidden ? start : box).focus(),
  };
}
