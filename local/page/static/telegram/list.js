/** The list of chats: who spoke last stands first. Only what changed is drawn anew, and nothing is sorted in a flood. */
import { h } from "../dom.js";
import { icon } from "./icons.js";
import { chatOf, clock, hueOf, initials, lastOf, summary, titleOf, unread, world } from "./world.js";

const MOST_SHOWN = 99;

/** `open(id)` opens a chat, `isOpen(id)`, `me(chat)`; `newPerson()` and `newGroup()` are the buttons above the list. */
export function chatList(actions) {
  const list = h("ul", { role: "list", "aria-labelledby": "chats-heading" });
  const items = new Map(); // chat id → { item, button, newest }
  const element = h("div", { class: "people" },
    h("div", { class: "head" },
      h("h3", { id: "chats-heading" }, "Chats"),
      h("button", { type: "button", class: "button icon", "aria-label": "New person", title: "New person", onclick: actions.newPerson }, icon("person")),
      h("button", { type: "button", class: "button icon", "aria-label": "New group", title: "New group", onclick: actions.newGroup }, icon("group")),
    ), list);

  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll(".chat")];
    const at = buttons.indexOf(document.activeElement);
    const to = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : step ? at + step : -1;
    if (at < 0 || to < 0 || to >= buttons.length) return;
    event.preventDefault();
    focus(buttons[to]);
  });

  /** One chat of the list is reached by Tab, the others from there by the arrow keys. */
  function focus(button) {
    for (const { button: other } of items.values()) other.tabIndex = other === button ? 0 : -1;
    button.focus();
  }

  function draw(id) {
    const chat = chatOf(id);
    const isListed = chat.moved_to == null && (chat.type !== "private" || world.people.has(id));
    let entry = items.get(id);
    if (!isListed) {
      entry?.item.remove();
      items.delete(id);
      return;
    }
    if (!entry) {
      const button = h("button", { type: "button", class: "chat", tabindex: -1, onclick: () => actions.open(id) });
      entry = { item: h("li", {}, button), button, newest: 0 };
      items.set(id, entry);
      list.prepend(entry.item);
    }
    fill(entry.button, chat);
    if (chat.newest > entry.newest) {
      entry.newest = chat.newest;
      toTop(entry.item);
    }
  }

  function toTop(item) {
    if (list.firstChild === item) return;
    const held = item.contains(document.activeElement) ? document.activeElement : null;
    if (list.moveBefore) list.moveBefore(item, list.firstChild);
    else list.insertBefore(item, list.firstChild);
    if (held && document.activeElement !== held) held.focus({ preventScroll: true });
  }

  function fill(button, chat) {
    const title = titleOf(chat);
    const last = lastOf(chat);
    const count = actions.isOpen(chat.id) && chat.newest <= chat.read ? 0 : unread(chat, actions.me(chat));
    const who = last && chat.type !== "private" && !last.service ? `${last.from === actions.me(chat) ? "You" : last.by_bot ? last.name : last.name.split(" ")[0]}: ` : "";
    const isTyping = Boolean(chat.action);
    button.replaceChildren(
      h("span", { class: `avatar hue-${hueOf(chat.id)}`, "aria-hidden": "true" }, initials(title)),
      h("span", { class: "title" }, title),
      h("span", { class: "time" }, last ? clock(last.date) : ""),
      h("span", { class: `preview${isTyping ? " typing" : ""}` }, isTyping ? "typing …" : last ? who + summary(last) : "No messages yet"),
      ...(count ? [h("span", { class: "unread" }, count > MOST_SHOWN ? `${MOST_SHOWN}+` : String(count), h("span", { class: "visually-hidden" }, " unread"))] : []),
    );
    if (actions.isOpen(chat.id)) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }

  return {
    element,
    /** Draw these chats anew. */
    update(ids) {
      for (const id of ids) draw(id);
      if (![...items.values()].some(({ button }) => button.tabIndex === 0)) {
        const first = list.querySelector("[aria-current]") ?? list.querySelector(".chat");
        if (first) first.tabIndex = 0;
      }
    },
    /** Draw everything anew, in this order. */
    reset(ids) {
      const held = list.contains(document.activeElement) ? [...items].find(([, { button }]) => button === document.activeElement)?.[0] : null;
      items.clear();
      list.replaceChildren();
      for (const id of [...ids].reverse()) draw(id);
      this.update([]);
      if (held != null) items.get(held)?.button.focus({ preventScroll: true });
    },
    /** Put the focus on a chat of the list. */
    focusOn(id) {
      const entry = items.get(id);
      if (entry) focus(entry.button);
    },
  };
}
