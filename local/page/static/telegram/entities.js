/**
 * A text with its entities as elements. Offsets count UTF-16 units, as JavaScript's strings do. Entities nest; where two
 * cross, the second is cut in two. What somebody wrote becomes text nodes and nothing else, links only of known kinds.
 */
import { h } from "../dom.js";

const SAFE = new Set(["http:", "https:", "tg:", "mailto:", "tel:"]);
/** Paragraphs of their own, which need no line's end around them. */
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const SIMPLE = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };

/** The address if it is of a kind that does no harm when followed, else null. */
export function safe(address) {
  try {
    const url = new URL(/^[a-z][a-z0-9+.-]*:/i.test(address) && !/^[\w.-]+:\d/.test(address) ? address : `http://${address}`);
    return SAFE.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export function link(address, ...children) {
  const href = safe(address);
  if (!href) return h("span", { title: `${address} is no address that can be opened` }, ...children);
  return h("a", { href, title: href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/** Return the fragment; `onCommand(text)` is called when a command in it is pressed. */
export function formatted(text, entities, onCommand) {
  const queue = (entities ?? [])
    .filter((entity) => entity.length > 0 && entity.offset >= 0 && entity.offset < text.length)
    .map((entity) => ({ ...entity, end: Math.min(entity.offset + entity.length, text.length) }))
    .sort((a, b) => a.offset - b.offset || b.end - a.end);
  return build(text, 0, text.length, queue, onCommand);
}

function build(text, from, to, queue, onCommand) {
  const fragment = document.createDocumentFragment();
  let at = from;
  let isAfterBlock = false;
  const plain = (start, end, isBeforeBlock) => {
    const first = isAfterBlock && text[start] === "\n" ? start + 1 : start;
    const last = isBeforeBlock && end > first && text[end - 1] === "\n" ? end - 1 : end;
    if (last > first) fragment.append(text.slice(first, last));
  };
  while (queue.length && queue[0].offset < to) {
    const entity = queue.shift();
    const start = Math.max(entity.offset, at);
    if (entity.end > to) {
      queue.unshift({ ...entity, offset: to });
      queue.sort((a, b) => a.offset - b.offset || b.end - a.end);
      entity.end = to;
    }
    if (entity.end <= start) continue;
    const isBlock = BLOCKS.has(entity.type);
    plain(at, start, isBlock);
    isAfterBlock = isBlock;
    const inside = build(text, start, entity.end, queue, onCommand);
    fragment.append(wrap(entity, inside, text.slice(start, entity.end), onCommand));
    at = entity.end;
  }
  plain(at, to, false);
  return fragment;
}

function wrap(entity, inside, text, onCommand) {
  if (SIMPLE[entity.type]) return h(SIMPLE[entity.type], {}, inside);
  switch (entity.type) {
    case "pre":
      return h("pre", { tabindex: 0 }, entity.language && h("span", { class: "language" }, entity.language), h("code", {}, inside));
    case "spoiler":
      return spoiler(inside);
    case "text_link":
      return link(entity.url ?? "", inside);
    case "url":
      return link(text, inside);
    case "email":
      return link(`mailto:${text}`, inside);
    case "phone_number":
      return link(`tel:${text.replace(/[^\d+]/g, "")}`, inside);
    case "bot_command":
      return h("button", { type: "button", class: "command", onclick: () => onCommand(text) }, inside);
    case "blockquote":
      return h("blockquote", {}, inside);
    case "expandable_blockquote":
      return expandable(inside);
    case "mention":
    case "text_mention":
      return h("span", { class: "mention", title: entity.user ? `${entity.user.first_name}, ${entity.user.id}` : null }, inside);
    case "hashtag":
    case "cashtag":
      return h("span", { class: "hashtag" }, inside);
    case "custom_emoji":
      return h("span", { title: `Custom emoji ${entity.custom_emoji_id}` }, inside);
    default:
      return h("span", {}, inside);
  }
}

/** Hidden until pressed, by mouse, Enter or space; what it hides is hidden from screen readers and the keyboard too. */
function spoiler(inside) {
  const hidden = h("span", {}, inside);
  const cover = h("span", { class: "spoiler", role: "button", tabindex: 0, "aria-expanded": "false", "aria-label": "Hidden text: show" }, hidden);
  hidden.inert = true;
  const reveal = (event) => {
    if (cover.getAttribute("aria-expanded") !== "false" || (event.key && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    event.stopPropagation();
    hidden.inert = false;
    cover.setAttribute("aria-expanded", "true");
    for (const name of ["role", "tabindex", "aria-label", "aria-expanded"]) cover.removeAttribute(name);
    cover.classList.remove("spoiler");
    if (event.key) cover.closest("[tabindex]")?.focus({ preventScroll: true }); // what is no button any more has no focus
  };
  cover.addEventListener("click", reveal);
  cover.addEventListener("keydown", reveal);
  return cover;
}

function expandable(inside) {
  const quote = h("blockquote", { class: "closed" }, h("div", { class: "inside" }, inside));
  const more = h("button", { type: "button", class: "more", "aria-expanded": "false", onclick: () => {
    const isClosed = quote.classList.toggle("closed");
    more.setAttribute("aria-expanded", String(!isClosed));
    more.textContent = isClosed ? "Show more" : "Show less";
  } }, "Show more");
  quote.append(more);
  return quote;
}
