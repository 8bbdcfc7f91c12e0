/**
 * The command menu above the message box: opened by "/" or its button, narrowed by what is typed, moved through by the
 * arrow keys while the focus stays in the box. Which commands there are is asked of the server, as Telegram resolves them.
 */
import { h } from "../dom.js";
import { world } from "./world.js";

export function commandMenu(box, choose) {
  const list = h("ul", { id: "commands", class: "popup wide", role: "listbox", "aria-label": "Commands", hidden: true });
  let commands = [];
  let asked = "";
  let chosen = 0;

  /** Ask for the commands of this person in this chat, unless they are known. */
  async function load(chatId, userId) {
    const wanted = `${world.run} ${world.menus} ${chatId} ${userId}`;
    if (wanted === asked) return;
    asked = wanted;
    let found = [];
    try {
      const response = await fetch(`/page/menu?${new URLSearchParams({ chat_id: chatId, user_id: userId })}`);
      if (response.ok) found = (await response.json()).commands;
    } catch {
      asked = ""; // no connection: ask again with the next frame
    }
    if (asked === wanted || asked === "") commands = found;
  }

  const matching = () => {
    const typed = box.value.match(/^\/(\w*)$/)?.[1];
    return typed === undefined ? [] : commands.filter((one) => one.command.startsWith(typed.toLowerCase()));
  };

  function show() {
    const found = matching();
    if (!found.length) return hide();
    chosen = Math.min(chosen, found.length - 1);
    list.replaceChildren(...found.map((one, index) => h("li", {
      id: `command-${index}`, role: "option", "aria-selected": String(index === chosen),
      onmousedown: (event) => event.preventDefault(), // the focus stays in the box
      onclick: () => take(one),
    }, h("b", {}, `/${one.command}`), h("span", {}, one.description))));
    list.hidden = false;
    box.setAttribute("aria-activedescendant", `command-${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
    return undefined;
  }

  function hide() {
    list.hidden = true;
    chosen = 0;
    box.removeAttribute("aria-activedescendant");
  }

  function take(one) {
    hide();
    choose(`/${one.command}`);
  }

  /** Return whether the key was the menu's. */
  function key(event) {
    if (list.hidden) return false;
    const found = matching();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      chosen = (chosen + step + found.length) % found.length;
      show();
    } else if (event.key === "Enter" && !event.shiftKey) take(found[chosen]);
    else if (event.key === "Tab" && !event.shiftKey) {
      box.value = `/${found[chosen].command} `;
      hide();
    } else if (event.key === "Escape") hide();
    else return false;
    event.preventDefault();
    return true;
  }

  return { list, load, show, hide, key, has: () => commands.length > 0, isOpen: () => !list.hidden };
}
