/** Dialogs: somebody new, a new group, an alert of the bot's. Escape closes them, and the focus goes back where it was. */
import { h } from "../dom.js";
import { order } from "../orders.js";
import { world } from "./world.js";

const LANGUAGES = { en: "English", de: "Deutsch", es: "Español", fr: "Français", tr: "Türkçe", uk: "Українська", fa: "فارسی" };

/** Show a dialog with these parts, `carryOut` its button's order: it returns whether the dialog may close. */
function show(title, parts, label, carryOut) {
  const wrong = h("p", { class: "error", role: "alert" });
  const cancel = carryOut && h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
  const form = h("form", { novalidate: true }, h("h2", { id: "dialog-title" }, title), parts, wrong,
    h("div", { class: "actions" }, cancel, h("button", { class: "button primary" }, label)));
  const dialog = h("dialog", { "aria-labelledby": "dialog-title", onclose: () => dialog.remove() }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await carryOut?.();
      dialog.close();
    } catch (error) {
      wrong.textContent = error.message;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Ask for somebody's name and language; `done(id)` once they are there. */
export function newPerson(done) {
  const first = h("input", { id: "first-name", required: true, maxlength: 64, autocomplete: "off" });
  const last = h("input", { id: "last-name", maxlength: 64, autocomplete: "off" });
  const language = h("select", { id: "language" }, Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code }, name)));
  const field = (input, label) => h("div", { class: "field" }, h("label", { for: input.id }, label), input);
  show("New person", [field(first, "First name"), field(last, "Last name (optional)"), field(language, "Language of their Telegram")], "Add", async () => {
    if (!first.value.trim()) throw new Error("Give them a first name.");
    const names = { first_name: first.value.trim(), last_name: last.value.trim(), language_code: language.value };
    done((await order("/control/users", names)).id);
  });
}

/** Ask for a title and who is in the group; the bot is. `done(id)` once it is there. */
export function newGroup(done) {
  const title = h("input", { id: "group-title", required: true, maxlength: 128, autocomplete: "off" });
  const boxes = [...world.people.values()].map((person) => h("input", { type: "checkbox", value: person.id }));
  const people = [...world.people.values()].map((person, index) => h("label", {}, boxes[index], person.name));
  show("New group", [
    h("div", { class: "field" }, h("label", { for: "group-title" }, "Name"), title),
    h("fieldset", {}, h("legend", {}, "Who is in it, besides the bot"), h("div", { class: "checks" }, people)),
  ], "Make it", async () => {
    const userIds = boxes.filter((box) => box.checked).map((box) => Number(box.value));
    if (!title.value.trim()) throw new Error("Give the group a name.");
    if (!userIds.length) throw new Error("Choose at least one person.");
    done((await order("/control/groups", { title: title.value.trim(), user_ids: userIds })).chat_id);
  });
}

/** Show what the bot says about a button that was pressed. */
export function alertOf(name, text) {
  show(name, [h("p", { class: "text" }, text)], "OK");
}
