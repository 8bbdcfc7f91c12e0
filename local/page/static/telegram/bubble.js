/** One message as an element. It is made anew whenever the message changes. */
import { h } from "../dom.js";
import { formatted, link } from "./entities.js";
import { icon } from "./icons.js";
import { clock, hueOf } from "./world.js";

/** Pictures that were drawn once, by address: their width and height, which they have at once when drawn anew. */
const drawn = new Map();
const HIGHEST_REM = 20; // as in telegram.css

/**
 * Return the row of a message. `view` says how it is seen: `me` (whose eyes), `isGroup`, and what happens: `command(text)`,
 * `press(message, button, element)`, `reply(message)`, `goTo(id)`, `say(sentence)`.
 */
export function row(message, view) {
  if (message.service) {
    return h("div", { class: "row service", "data-id": message.id, tabindex: -1 }, h("p", { class: "bubble" }, message.service));
  }
  const isMine = !message.by_bot && (!view.isGroup || message.from === view.me);
  return h("article", { class: `row ${isMine ? "mine" : "theirs"}`, "data-id": message.id, "data-from": message.from, tabindex: -1, "aria-label": `${message.name}, ${clock(message.date)}` },
    h("div", { class: "bubble" },
      !isMine && view.isGroup
        ? h("p", { class: `who name-${hueOf(message.from ?? 0)}` }, message.name)
        : h("span", { class: "visually-hidden" }, `${message.name}: `),
      message.forwarded && h("p", { class: "forwarded" }, `Forwarded from ${message.forwarded}`),
      message.reply && quote(message.reply, view),
      message.media && media(message.media, message),
      message.text && h("div", { class: "text", dir: "auto" }, formatted(message.text, message.entities, view.command)),
      message.reactions && h("p", { class: "reactions" }, message.reactions.map((one) => h("span", { title: "The bot's reaction" }, one))),
      h("p", { class: "meta" }, message.edited && "edited ", h("time", { title: new Date(message.date * 1000).toLocaleString([], { hourCycle: "h23" }) }, clock(message.date))),
      h("button", { type: "button", class: "reply button icon", tabindex: -1, "aria-label": `Reply to ${message.name}`, title: "Reply (R)", onclick: () => view.reply(message) }, icon("reply")),
    ),
    message.buttons && h("div", { class: "keys" }, message.buttons.map((line) =>
      h("div", {}, line.map((button) => key(message, button, view))))),
  );
}

function quote(reply, view) {
  return h("button", { type: "button", class: "quote", onclick: () => view.goTo(reply.id) },
    h("span", { class: "visually-hidden" }, "In reply to "), h("b", {}, reply.name), h("span", {}, reply.text));
}

function media(what, message) {
  switch (what.kind) {
    case "photo": {
      if (!what.url) return h("p", { class: "muted" }, "A photo whose file is not here");
      const image = h("img", { src: what.url, alt: message.text ? "Photo" : `Photo from ${message.name}`, onload: () => {
        drawn.set(what.url, [image.naturalWidth, image.naturalHeight]);
      }, onerror: () => {
        opened.replaceWith(h("span", { class: "muted" }, "A photo that no browser can show"));
      } });
      if (!message.album) keepPlace(image, drawn.get(what.url));
      const opened = h("a", { href: what.url, target: "_blank", rel: "noopener", "aria-label": "Open the photo" }, image);
      return h("figure", { class: "photo" }, opened);
    }
    case "document": {
      const words = h("span", {}, h("span", { class: "file-name" }, what.name), h("br"), h("span", { class: "size" }, size(what.size)));
      const sign = h("span", { class: "sign" }, icon("file"));
      if (!what.url) return h("p", { class: "document" }, sign, words);
      return h("a", { class: "document", href: what.url, download: what.name, "aria-label": `Download ${what.name}, ${size(what.size)}` }, sign, words);
    }
    case "contact":
      return h("p", {}, h("strong", {}, what.name || "Contact"), h("br"), what.phone);
    case "location":
      return h("p", {}, h("strong", {}, "Location"), h("br"), `${what.latitude}, ${what.longitude}`);
    default:
      return h("p", { class: "muted" }, `A ${what.what}, which this page does not show`);
  }
}

function keepPlace(image, known) {
  if (!known) return;
  const [width, height] = known;
  image.style.width = `min(${width}px, ${(HIGHEST_REM * width) / height}rem)`;
  image.style.aspectRatio = `${width} / ${height}`;
}

export function size(bytes) {
  if (bytes == null) return "size unknown";
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Why a button can't be pressed here, by the field that says what it does. */
const ELSEWHERE = {
  web_app: "It opens a web app, which only Telegram's own apps can",
  login_url: "It logs in to a site with Telegram, which only Telegram's own apps can",
  switch_inline_query: "It starts an inline query in another chat, which this page has not",
  switch_inline_query_current_chat: "It starts an inline query, which this page has not",
  switch_inline_query_chosen_chat: "It starts an inline query in another chat, which this page has not",
  callback_game: "It opens a game, which only Telegram's own apps can",
  pay: "It pays, which this page has not",
};

function key(message, button, view) {
  if (button.callback_data != null) {
    const pressed = h("button", { type: "button", class: "key", onclick: () => view.press(message, button, pressed) }, button.text);
    return pressed;
  }
  if (button.url) {
    const opened = link(button.url, button.text, h("span", { "aria-hidden": "true" }, " ↗"));
    opened.classList.add("key");
    return opened;
  }
  if (button.copy_text) {
    return h("button", { type: "button", class: "key", title: "Copies a text", onclick: () => navigator.clipboard?.writeText(button.copy_text.text) }, button.text);
  }
  const reason = ELSEWHERE[Object.keys(ELSEWHERE).find((name) => name in button)] ?? "It does what this page can't";
  return h("button", { type: "button", class: "key", "aria-disabled": "true", title: reason, onclick: () => view.say(reason) }, button.text);
}
