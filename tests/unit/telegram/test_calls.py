"""What limits know of Bot API calls, held against the Bot API's own description, where it is at hand.

A new version of the Bot API fails these tests until somebody has decided about every method of it.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from floodgate.telegram.calls import PACED, PAID, is_group, messages, shows_twice, target

DATA = Path(__file__).parents[4] / "shared" / "bot-api" / "api.min.json"


def names(text: str) -> set[str]:
    """Return the words of `text`."""
    return set(text.split())


SHOW_TWICE = names(
    """
    sendMessage sendPhoto sendLivePhoto sendAudio sendDocument sendVideo sendAnimation sendVoice sendVideoNote
    sendPaidMedia sendMediaGroup sendLocation sendVenue sendContact sendPoll sendDice sendSticker sendRichMessage
    sendInvoice sendGame sendChecklist forwardMessage forwardMessages copyMessage copyMessages
    sendChatJoinRequestWebApp postStory repostStory createForumTopic
    sendGift giftPremiumSubscription transferGift upgradeGift convertGiftToStars transferBusinessAccountStars
    refundStarPayment
    exportChatInviteLink createChatInviteLink createChatSubscriptionInviteLink createInvoiceLink
    createNewStickerSet addStickerToSet replaceManagedBotToken
    """
)  # to somebody's eyes, from somebody's purse, or as one more link, set or token
SHOW_ONCE = names(
    """
    getUpdates getWebhookInfo getMe getUserProfilePhotos getUserProfileAudios getFile getChat getChatAdministrators
    getChatMemberCount getChatMember getForumTopicIconStickers getUserChatBoosts getBusinessConnection
    getManagedBotToken getManagedBotAccessSettings getMyCommands getMyName getMyDescription getMyShortDescription
    getChatMenuButton getMyDefaultAdministratorRights getAvailableGifts getBusinessAccountStarBalance
    getBusinessAccountGifts getUserGifts getChatGifts getUserPersonalChatMessages getStickerSet
    getCustomEmojiStickers getMyStarBalance getStarTransactions getGameHighScores

    setWebhook deleteWebhook logOut close sendChatAction sendMessageDraft sendRichMessageDraft setMessageReaction
    setUserEmojiStatus uploadStickerFile savePreparedInlineMessage savePreparedKeyboardButton setPassportDataErrors

    answerCallbackQuery answerInlineQuery answerWebAppQuery answerShippingQuery answerPreCheckoutQuery
    answerGuestQuery answerChatJoinRequestQuery

    editMessageText editMessageCaption editMessageMedia editMessageLiveLocation stopMessageLiveLocation
    editMessageChecklist editMessageReplyMarkup stopPoll setGameScore deleteMessage deleteMessages
    deleteMessageReaction deleteAllMessageReactions editStory deleteStory deleteBusinessMessages readBusinessMessage
    approveSuggestedPost declineSuggestedPost pinChatMessage unpinChatMessage unpinAllChatMessages
    unpinAllForumTopicMessages unpinAllGeneralForumTopicMessages

    banChatMember unbanChatMember restrictChatMember promoteChatMember setChatAdministratorCustomTitle
    setChatMemberTag banChatSenderChat unbanChatSenderChat setChatPermissions editChatInviteLink
    editChatSubscriptionInviteLink revokeChatInviteLink approveChatJoinRequest declineChatJoinRequest
    setChatPhoto deleteChatPhoto setChatTitle setChatDescription leaveChat setChatStickerSet deleteChatStickerSet
    editForumTopic closeForumTopic reopenForumTopic deleteForumTopic editGeneralForumTopic closeGeneralForumTopic
    reopenGeneralForumTopic hideGeneralForumTopic unhideGeneralForumTopic verifyUser verifyChat
    removeUserVerification removeChatVerification editUserStarSubscription

    setMyCommands deleteMyCommands setMyName setMyDescription setMyShortDescription setMyProfilePhoto
    removeMyProfilePhoto setChatMenuButton setMyDefaultAdministratorRights setManagedBotAccessSettings
    setBusinessAccountName setBusinessAccountUsername setBusinessAccountBio setBusinessAccountProfilePhoto
    removeBusinessAccountProfilePhoto setBusinessAccountGiftSettings

    setStickerPositionInSet deleteStickerFromSet replaceStickerInSet setStickerEmojiList setStickerKeywords
    setStickerMaskPosition setStickerSetTitle setStickerSetThumbnail setCustomEmojiStickerSetThumbnail
    deleteStickerSet
    """
)  # reading, answers that are taken once, and what is afterwards as it was before the second time
NO_MESSAGE = {"Poll"}
"""What stopPoll returns, though it changes a message."""

needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/bot-api beside the project root")


@cache
def methods() -> dict[str, Any]:
    """Return the Bot API's methods."""
    described: dict[str, Any] = json.loads(DATA.read_text())["methods"]
    return described


def parameters(method: str) -> set[str]:
    """Return the names of a method's parameters."""
    return {field["name"] for field in methods()[method].get("fields", [])}


@needs_data
def test_every_method_is_decided() -> None:
    """Each shows twice or doesn't, and the code says what the table says."""
    assert set(methods()) == SHOW_TWICE | SHOW_ONCE
    assert len(methods()) == len(SHOW_TWICE) + len(SHOW_ONCE)
    assert {method for method in methods() if shows_twice(method)} == SHOW_TWICE


def test_the_code_agrees_with_the_table() -> None:
    """Also where the Bot API's description is not at hand."""
    assert [method for method in SHOW_ONCE if shows_twice(method)] == []
    assert [method for method in SHOW_TWICE if not shows_twice(method)] == []


@needs_data
def test_paid_for_can_be_what_the_bot_api_says() -> None:
    """The methods with `allow_paid_broadcast`, and no others: others would refuse it."""
    assert {method for method in methods() if "allow_paid_broadcast" in parameters(method)} == PAID


@needs_data
def test_limits_count_what_puts_or_changes_a_message_in_a_chat() -> None:
    """What names a chat and returns messages, or their ids; and stopPoll, which returns the poll."""
    returning = {
        method
        for method, described in methods().items()
        if "chat_id" in parameters(method)
        and set(described.get("returns", [])) & {"Message", "MessageId", "Array of Message", "Array of MessageId"}
    }
    assert returning | {"stopPoll"} == PACED
    assert set(methods()["stopPoll"]["returns"]) == NO_MESSAGE


@needs_data
def test_all_that_is_paced_names_its_chat() -> None:
    """None can pass the gate for want of a name, but for edits of inline messages."""
    without = {method for method in PACED if "chat_id" not in parameters(method)}
    optional = {
        method
        for method in PACED
        for field in methods()[method]["fields"]
        if field["name"] == "chat_id" and not field["required"]
    }
    assert without == set()
    assert {method for method in optional if "inline_message_id" not in parameters(method)} == set()


@needs_data
def test_albums_are_the_calls_with_several() -> None:
    """Every method that returns several messages is counted by them."""
    two = {"media": ["a", "b"], "message_ids": ["1", "2"]}
    returning = {method for method in PACED if any(kind.startswith("Array") for kind in methods()[method]["returns"])}
    assert returning == {"sendMediaGroup", "forwardMessages", "copyMessages"}
    for method in PACED:
        taken = {name: value for name, value in two.items() if name in parameters(method)}
        assert messages(method, taken) == (2 if method in returning else 1)


@pytest.mark.parametrize(
    ("method", "data", "count"),
    [
        ("sendMessage", {"chat_id": 1}, 1),
        ("editMessageText", {"chat_id": 1}, 1),
        ("editMessageText", {"inline_message_id": "x"}, 1),
        ("stopPoll", {"chat_id": 1}, 1),
        ("sendMediaGroup", {"media": ["a", "b", "c"]}, 3),
        ("sendMediaGroup", {"media": ("a", "b")}, 2),
        ("sendMediaGroup", {"media": []}, 1),
        ("sendMediaGroup", {}, 1),
        ("forwardMessages", {"message_ids": list(range(100))}, 100),
        ("copyMessages", {"message_ids": range(5, 12)}, 7),
        ("copyMessages", {"message_ids": "123"}, 1),
        ("editMessageMedia", {"media": ["a", "b"]}, 1),
        ("sendPaidMedia", {"media": ["a", "b"]}, 1),
        ("deleteMessages", {"message_ids": [1, 2, 3]}, 0),
        ("sendChatAction", {"chat_id": 1}, 0),
        ("answerCallbackQuery", {}, 0),
        ("getChat", {"chat_id": 1}, 0),
        ("inventedYesterday", {"chat_id": 1}, 0),
    ],
)
def test_a_call_counts_as_its_messages(method: str, data: dict[str, Any], count: int) -> None:
    """One, or as many as it puts into the chat; none if it puts none."""
    assert messages(method, data) == count


@pytest.mark.parametrize(
    ("method", "data", "chat"),
    [
        ("sendMessage", {"chat_id": 7001}, 7001),
        ("sendMessage", {"chat_id": -1001234567890}, -1001234567890),
        ("sendMessage", {"chat_id": "7001"}, 7001),
        ("sendMessage", {"chat_id": "-1001234567890"}, -1001234567890),
        ("sendMessage", {"chat_id": "@Allotments"}, "@allotments"),
        ("sendMessage", {"chat_id": "@7001"}, "@7001"),
        ("sendMessage", {"chat_id": "\N{ARABIC-INDIC DIGIT FIVE}"}, "\N{ARABIC-INDIC DIGIT FIVE}"),
        ("sendMessage", {}, None),
        ("editMessageText", {"inline_message_id": "x"}, None),
        ("editMessageText", {"chat_id": None, "inline_message_id": "x"}, None),
        ("answerCallbackQuery", {"callback_query_id": "1"}, None),
        ("banChatMember", {"chat_id": -100, "user_id": 7001}, -100),
        ("forwardMessage", {"chat_id": 7001, "from_chat_id": -100}, 7001),
        ("getChat", {"chat_id": 7001}, None),
        ("getChatMember", {"chat_id": -100, "user_id": 7001}, None),
    ],
)
def test_a_call_goes_where_it_does_something(method: str, data: dict[str, Any], chat: int | str | None) -> None:
    """By id, however it is written; by name where there is no id; nowhere if it only reads."""
    assert target(method, data) == chat


@pytest.mark.parametrize(
    ("chat", "expected"),
    [(7001, False), (-100, True), (-1001234567890, True), ("@allotments", True)],
)
def test_groups_and_channels_are_told_by_their_id(chat: int | str, *, expected: bool) -> None:
    """They alone have ids below zero, and among those that bots can write to, names."""
    assert is_group(chat) is expected
