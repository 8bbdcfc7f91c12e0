"""The word to a person whose update was given up, in their own language where Telegram names it.

Rule: it says what happened in plain words, that nothing is lost, and the short name to ask about; no error's text. A
language is the first part of an IETF tag, `pt` of `pt-br`. Everybody else gets English.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENGLISH: Final = (
    "Sorry, something went wrong and I could not answer that. It has been kept and will be looked into; "
    "if you ask about it, mention {}."
)
APOLOGIES: Final[Mapping[str, str]] = {
    "en": _ENGLISH,
    "ar": "عذرًا، حدث خطأ ولم أتمكن من الرد على ذلك. تم حفظه وسيتم النظر فيه؛ إذا سألت عنه، فاذكر {}.",
    "de": (
        "Entschuldigung, da ist etwas schiefgegangen, und ich konnte nicht antworten. Es ist gespeichert und wird "
        "geprüft; falls du danach fragst, nenne bitte {}."
    ),
    "es": (
        "Lo siento, algo salió mal y no pude responder a eso. Ha quedado guardado y se revisará; "
        "si preguntas por ello, menciona {}."
    ),
    "fa": "متأسفم، مشکلی پیش آمد و نتوانستم پاسخ بدهم. پیام شما ذخیره شده و بررسی می‌شود؛ برای پیگیری {} را ذکر کنید.",
    "fr": (
        "Désolé, quelque chose s'est mal passé et je n'ai pas pu répondre. C'est conservé et sera examiné ; "
        "si vous posez la question, mentionnez {}."
    ),
    "hi": ("क्षमा करें, कुछ गड़बड़ हो गई और मैं उत्तर नहीं दे सका। इसे सहेज लिया गया है और जाँचा जाएगा; पूछते समय {} बताएँ।"),
    "id": (
        "Maaf, ada yang salah dan saya tidak dapat menjawabnya. Ini sudah disimpan dan akan diperiksa; "
        "jika Anda menanyakannya, sebutkan {}."
    ),
    "it": (
        "Mi dispiace, qualcosa è andato storto e non ho potuto rispondere. È stato conservato e verrà esaminato; "
        "se ne chiedi notizie, indica {}."
    ),
    "pl": (
        "Przepraszam, coś poszło nie tak i nie mogłem na to odpowiedzieć. Zostało to zapisane i będzie sprawdzone; "
        "pytając o to, podaj {}."
    ),
    "pt": (
        "Desculpe, algo deu errado e não consegui responder. Ficou guardado e será analisado; "
        "se perguntar sobre isso, mencione {}."
    ),
    "ru": (
        "Извините, что-то пошло не так, и я не смог на это ответить. Сообщение сохранено, и мы во всём разберёмся; "
        "если будете о нём спрашивать, назовите {}."
    ),
    "tr": (
        "Üzgünüm, bir şeyler ters gitti ve buna yanıt veremedim. Kaydedildi ve incelenecek; "
        "sormak isterseniz {} kodunu belirtin."
    ),
    "uk": (
        "Вибачте, щось пішло не так, і я не зміг на це відповісти. Повідомлення збережено, і ми в усьому розберемося; "
        "якщо питатимете про нього, назвіть {}."
    ),
    "zh": "抱歉，出了点问题，我没能回复。内容已保存，我们会进行检查；如需询问，请提供编号 {}。",
}


def apology(name: str, language: str | None) -> str:
    """Return what to say of the failure `name` to somebody whose language has that tag."""
    first = re.split(r"[-_]", language or "")[0].lower()
    return APOLOGIES.get(first, _ENGLISH).format(name)


def language(content: Mapping[str, Any]) -> str | None:
    """Return the tag that Telegram gives for the sender of a message or the presser of a button, None without one."""
    sender = content.get("from")
    tag = sender.get("language_code") if isinstance(sender, dict) else None
    return tag if isinstance(tag, str) else None
