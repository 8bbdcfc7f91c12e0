/** What the page knows of Telegram: people, chats, and the last messages of each. Frames are taken in by `apply`. */
export const LAST = 200;

export const world = { run: null, bot: null, people: new Map(), chats: new Map(), menus: 0 };

/** A chat that nobody has spoken in has no entry at the server yet; its person is there all the same. */
function blank(id) {
  return {
    id, type: "private", title: "", members: [id], bot: "member", action: null, pinned: null, keyboards: [], count: 0,
    moved_to: null, messages: new Map(), newest: 0, read: 0,
  };
}

export function chatOf(id) {
  if (!world.chats.has(id)) world.chats.set(id, blank(id));
  return world.chats.get(id);
}

export function titleOf(chat) {
  return chat.type === "private" ? nameOf(chat.id) : chat.title;
}

export function nameOf(id) {
  return world.people.get(id)?.name ?? `User ${id}`;
}

/** One of seven colours, the same for a person everywhere. */
export const hueOf = (id) => Math.abs(id) % 7;

export function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return (words.length > 1 ? [words[0], words.at(-1)] : words).map((word) => [...word][0].toUpperCase()).join("");
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** One line of what a message says, for the list and for quotes. */
export function summary(message) {
  if (!message) return "";
  if (message.service) return message.service;
  if (message.text) return message.text.replace(/\s+/g, " ").slice(0, 120);
  const media = message.media;
  if (!media) return "Message";
  if (media.kind === "document") return media.name;
  if (media.kind === "other") return `A message with a ${media.what}`;
  return { photo: "Photo", contact: "Contact", location: "Location" }[media.kind];
}

/**
 * Take a frame in and return what it changed: `isNew` (another run: nothing of before counts), `isAll` (everything may
 * have changed), `people`, `chats` (ids), `messages` (chat id → ids), `answers`, `menus` (whether commands were set).
 */
export function apply(frame) {
  const isAll = frame.kind === "snapshot";
  const isNew = frame.run !== world.run;
  const changed = { isAll, isNew, people: new Set(), chats: new Set(), messages: new Map(), answers: frame.answers ?? [] };
  changed.menus = frame.menus !== world.menus;
  const before = isAll ? new Map(world.chats) : null;
  if (isAll) Object.assign(world, { run: frame.run, bot: frame.bot, people: new Map(), chats: new Map() });
  world.menus = frame.menus;
  for (const person of frame.people) {
    world.people.set(person.id, person);
    changed.people.add(person.id);
  }
  for (const header of frame.chats) {
    world.chats.set(header.id, Object.assign(chatOf(header.id), header));
    changed.chats.add(header.id);
  }
  const touched = (id) => changed.messages.get(id) ?? changed.messages.set(id, new Set()).get(id);
  for (const message of frame.messages) {
    const chat = chatOf(message.chat);
    chat.messages.set(message.id, message);
    chat.newest = Math.max(chat.newest, message.id);
    touched(chat.id).add(message.id);
  }
  for (const [id, messageId] of frame.gone ?? []) {
    chatOf(id).messages.delete(messageId);
    touched(id).add(messageId);
  }
  for (const id of changed.messages.keys()) trim(chatOf(id));
  for (const chat of isAll ? world.chats.values() : []) {
    const old = isNew ? null : before.get(chat.id);
    chat.read = old ? old.read : isNew || !before.size ? chat.newest : 0;
  }
  return changed;
}

function trim(chat) {
  const excess = chat.messages.size - LAST;
  if (excess <= 0) return;
  for (const id of [...chat.messages.keys()].sort((a, b) => a - b).slice(0, excess)) chat.messages.delete(id);
}

/** The messages of a chat, oldest first. */
export function inOrder(chat) {
  return [...chat.messages.values()].sort((a, b) => a.id - b.id);
}

export const lastOf = (chat) => chat.messages.get(chat.newest) ?? inOrder(chat).at(-1);

/** How many messages came in unseen; what the person wrote themselves is seen. */
export function unread(chat, me) {
  if (chat.newest <= chat.read) return 0;
  let count = 0;
  for (const message of chat.messages.values()) if (message.id > chat.read && message.from !== me) count += 1;
  return count;
}

/** The markup that the person sees below the message box, null if none: the latest that is for them. */
export function keyboardFor(chat, me) {
  return chat.keyboards.find((one) => one.for.length === 0 || one.for.includes(me)) ?? null;
}
