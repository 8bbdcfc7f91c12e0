/**
 * The messages of the open chat. Rows are added and replaced one by one; what is seen stays where it is, at the bottom
 * unless one has scrolled up. A screen reader hears single messages as they come, and of a flood how many there were.
 */
import { h } from "../dom.js";
import { row } from "./bubble.js";
import { icon } from "./icons.js";
import { LAST, inOrder } from "./world.js";

const NEAR_PX = 60;
const FLOOD = 6; // messages within CALM_MS, from which on they are counted and not read out
const CALM_MS = 1500;

export function conversation(view) {
  const log = h("div", { class: "log", role: "log", "aria-label": "Messages", "aria-live": "off", tabindex: 0 });
  const jump = h("button", { type: "button", class: "button jump", hidden: true, onclick: () => toBottom() });
  const said = h("p", { class: "visually-hidden", role: "status" });
  const spot = h("div", { class: "spot" }, jump);
  const rows = new Map(); // message id → element
  let chat = null;
  let isAtBottom = true;
  let top = 0; // where it was scrolled to
  let below = 0;
  let lately = []; // when the last messages came
  let inFlood = 0;
  let calm = null;

  log.addEventListener("scroll", () => {
    const isNear = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
    const isGrown = isAtBottom && !isNear && log.scrollTop >= top; // nobody has scrolled up: a picture got its height
    top = log.scrollTop;
    isAtBottom = isNear || isGrown;
    if (isGrown) toBottom();
    else if (isNear) seen();
    else showJump();
  }, { passive: true });
  const sizes = new ResizeObserver(() => { if (isAtBottom) toBottom(); }); // of the log, and of each of its rows
  sizes.observe(log);
  log.addEventListener("keydown", (event) => {
    const current = document.activeElement.closest?.(".row");
    if (event.target !== log && event.target !== current) return;
    if ((event.key === "r" || event.key === "R") && current && !event.ctrlKey && !event.metaKey) {
      const message = chat.messages.get(Number(current.dataset.id));
      if (message && !message.service) {
        event.preventDefault();
        view.reply(message);
      }
      return;
    }
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    const all = [...log.querySelectorAll(".row")];
    const to = current ? all.indexOf(current) + step : all.length - 1;
    if (!all[to]) return;
    event.preventDefault();
    all[to].focus();
  });

  function toBottom() {
    log.scrollTop = log.scrollHeight;
    top = log.scrollTop;
    isAtBottom = true;
    seen();
  }

  function seen() {
    below = 0;
    jump.hidden = true;
    view.seen();
  }

  function showJump() {
    const words = below ? `${below} new ${below === 1 ? "message" : "messages"}` : "Latest";
    if (jump.firstChild?.textContent !== words) jump.replaceChildren(words, icon("down"));
    jump.hidden = false;
  }

  function goTo(id) {
    const found = rows.get(id);
    if (!found) return view.say("That message is further back than this page shows.");
    found.scrollIntoView({ block: "center" });
    found.classList.remove("flash");
    requestAnimationFrame(() => found.classList.add("flash"));
    found.focus({ preventScroll: true });
  }

  /** Put the message's row where it belongs, in place of the one it had. */
  function place(message) {
    const fresh = row(message, { ...view, me: view.me(), goTo, isGroup: chat.type !== "private" });
    const old = rows.get(message.id);
    rows.set(message.id, fresh);
    sizes.observe(fresh);
    if (old) sizes.unobserve(old);
    if (old) return replace(old, fresh);
    let next = null;
    if (rows.size > 1 && message.id < log.lastId) {
      next = [...log.querySelectorAll(".row")].find((other) => Number(other.dataset.id) > message.id) ?? null;
    }
    log.lastId = Math.max(log.lastId, message.id);
    const frame = message.album && albumOf(message, fresh, next);
    if (frame) frame.insertBefore(fresh, next?.parentElement === frame ? next : null);
    else log.insertBefore(fresh, next?.closest(".log > *") ?? null);
    const previous = fresh.previousElementSibling;
    if (previous && previous.dataset.from !== fresh.dataset.from) fresh.classList.add("after");
    return undefined;
  }

  function albumOf(message, fresh, next) {
    const found = log.querySelector(`.album[data-album="${CSS.escape(message.album)}"]`);
    if (found) return found;
    const side = fresh.classList.contains("mine") ? " mine" : "";
    const frame = h("div", { class: `album${side}${message.media?.kind === "document" ? " documents" : ""}`, "data-album": message.album });
    log.insertBefore(frame, next?.closest(".log > *") ?? null);
    return frame;
  }

  /** A row is replaced under the keyboard's user: the focus goes to the same place in the new one. */
  function replace(old, fresh) {
    const controls = [...old.querySelectorAll("button, a")];
    const at = controls.indexOf(document.activeElement);
    const isHeld = old.contains(document.activeElement);
    fresh.classList.toggle("after", old.classList.contains("after"));
    old.replaceWith(fresh);
    if (isHeld) ([...fresh.querySelectorAll("button, a")][at] ?? fresh).focus({ preventScroll: true });
  }

  function remove(id) {
    const old = rows.get(id);
    if (!old) return;
    rows.delete(id);
    sizes.unobserve(old);
    const frame = old.closest(".album");
    if (old.contains(document.activeElement)) log.focus({ preventScroll: true }); // from here the arrow keys go on
    old.remove();
    if (frame && !frame.children.length) frame.remove();
  }

  function trim() {
    if (rows.size <= LAST) return;
    for (const id of [...rows.keys()].sort((a, b) => a - b).slice(0, rows.size - LAST)) remove(id);
  }

  function announce(count) {
    const now = performance.now();
    lately = [...lately, ...Array(count).fill(now)].slice(-FLOOD).filter((at) => now - at < CALM_MS);
    const isFlood = lately.length === FLOOD || calm !== null;
    log.setAttribute("aria-live", isFlood ? "off" : "polite");
    if (!isFlood) return;
    inFlood += count;
    clearTimeout(calm);
    calm = setTimeout(() => {
      said.textContent = `${inFlood} new ${inFlood === 1 ? "message" : "messages"}`;
      inFlood = 0;
      calm = null;
    }, CALM_MS);
  }

  function notes() {
    log.querySelector(".earlier")?.remove();
    log.querySelector(".empty")?.remove();
    if (chat.count > chat.messages.size && chat.messages.size) {
      log.prepend(h("p", { class: "earlier" }, `The last ${chat.messages.size} of ${chat.count} messages`));
    }
    if (!chat.messages.size) log.append(view.empty(chat));
  }

  return {
    parts: [log, spot, said],
    /** Show this chat from its end. */
    open(opened) {
      chat = opened;
      for (const old of rows.values()) sizes.unobserve(old);
      rows.clear();
      log.replaceChildren();
      log.lastId = 0;
      log.setAttribute("aria-live", "off");
      said.textContent = "";
      for (const message of inOrder(chat)) place(message);
      notes();
      toBottom();
    },
    /** Show what became of these messages. */
    update(ids) {
      const wasAtBottom = isAtBottom;
      const sorted = [...ids].sort((a, b) => a - b);
      const news = sorted.filter((id) => chat.messages.has(id) && !rows.has(id) && id > log.lastId);
      if (news.length) announce(news.length);
      for (const id of sorted) {
        const message = chat.messages.get(id);
        if (!message) remove(id);
        else if (rows.has(id) || id > log.lastId || rows.size < LAST) place(message);
      }
      trim();
      notes();
      if (wasAtBottom || news.some((id) => chat.messages.get(id)?.from === view.me())) toBottom();
      else if (news.length) {
        below += news.length;
        showJump();
      }
    },
    /** Go on with the same chat, which the server has shown anew. */
    resume(same) {
      chat = same;
      this.update(new Set([...rows.keys(), ...chat.messages.keys()]));
    },
    toBottom,
    goTo,
    focus: () => log.focus(),
  };
}
