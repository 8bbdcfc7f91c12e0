"""The tables of what makes an answer stale, held against the Bot API's own description, where it is at hand.

What is listed here changes nothing that getChat, getChatMember or getChatAdministrators answers. A new version of the
Bot API fails these tests until every update type, message field and method of it is in a table or in a list.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from floodgate.cache.changes import ANNOUNCED_BY_UPDATES, ANNOUNCED_IN_MESSAGES, CACHED, CHANGED_BY_CALLS
from floodgate.cache.entry import NAMES_OF_A_CHAT, NAMES_OF_A_USER

DATA = Path(__file__).parents[4] / "shared" / "bot-api" / "api.min.json"


def names(text: str) -> set[str]:
    """Return the words of `text`."""
    return set(text.split())


READ_BY_THEIR_FIELDS = {"message", "channel_post"}
UPDATES_WITHOUT_NEWS = names(
    """
    inline_query chosen_inline_result callback_query shipping_query pre_checkout_query purchased_paid_media
    poll poll_answer message_reaction message_reaction_count chat_join_request managed_bot
    edited_message edited_channel_post
    business_message edited_business_message deleted_business_messages guest_message
    """
)  # edits: service messages have none; business and guests: chats that are not the bot's
SERVICE_WITHOUT_NEWS = names(
    """
    successful_payment refunded_payment users_shared chat_shared gift unique_gift gift_upgrade_sent connected_website
    passport_data proximity_alert_triggered checklist_tasks_done checklist_tasks_added
    forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened
    general_forum_topic_hidden general_forum_topic_unhidden
    giveaway_created giveaway giveaway_winners giveaway_completed managed_bot_created
    poll_option_added poll_option_deleted
    suggested_post_approved suggested_post_approval_failed suggested_post_declined suggested_post_paid
    suggested_post_refunded
    video_chat_scheduled video_chat_started video_chat_ended video_chat_participants_invited web_app_data
    """
)
CONTENT = names(
    """
    message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot
    sender_tag date guest_query_id business_connection_id chat forward_origin is_topic_message is_automatic_forward
    reply_to_message external_reply quote reply_to_story reply_to_checklist_task_id reply_to_poll_option_id via_bot
    guest_bot_caller_user guest_bot_caller_chat edit_date has_protected_content is_from_offline is_paid_post
    media_group_id author_signature paid_star_count text entities link_preview_options suggested_post_info effect_id
    rich_message animation audio document live_photo paid_media photo sticker story video video_note voice caption
    caption_entities show_caption_above_media has_media_spoiler checklist contact dice game poll venue location
    invoice reply_markup
    """
)
METHODS_WITHOUT_EFFECT = names(
    """
    forwardMessage forwardMessages copyMessage copyMessages setMessageReaction banChatSenderChat unbanChatSenderChat
    createChatInviteLink editChatInviteLink createChatSubscriptionInviteLink editChatSubscriptionInviteLink
    declineChatJoinRequest createForumTopic editForumTopic closeForumTopic reopenForumTopic editGeneralForumTopic
    closeGeneralForumTopic reopenGeneralForumTopic hideGeneralForumTopic unhideGeneralForumTopic setChatMenuButton
    verifyChat removeChatVerification readBusinessMessage editMessageText editMessageCaption editMessageMedia
    editMessageLiveLocation stopMessageLiveLocation editMessageChecklist editMessageReplyMarkup stopPoll
    approveSuggestedPost declineSuggestedPost deleteMessage deleteMessages deleteMessageReaction
    deleteAllMessageReactions setGameScore
    """
)

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/bot-api beside the project root")


def described() -> dict[str, Any]:
    """Return the Bot API's description."""
    data: dict[str, Any] = json.loads(DATA.read_text())
    return data


def fields(kind: str) -> set[str]:
    """Return the names of a type's fields."""
    return {field["name"] for field in described()["types"][kind]["fields"]}


def parameters(method: str) -> set[str]:
    """Return the names of a method's parameters."""
    return {field["name"] for field in described()["methods"][method].get("fields", [])}


def test_every_update_type_is_decided() -> None:
    """Each announces a change, is read field by field, or says nothing of what is remembered."""
    parts = [set(ANNOUNCED_BY_UPDATES), READ_BY_THEIR_FIELDS, UPDATES_WITHOUT_NEWS]
    assert set.union(*parts) == fields("Update") - {"update_id"}
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_every_field_of_a_message_is_decided() -> None:
    """Each announces a change, announces something else, or is content."""
    parts = [set(ANNOUNCED_IN_MESSAGES), SERVICE_WITHOUT_NEWS, CONTENT]
    assert set.union(*parts) == fields("Message")
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_no_service_message_is_taken_for_content() -> None:
    """Whatever the Bot API calls a service message has been decided about as one."""
    called = {
        field["name"]
        for field in described()["types"]["Message"]["fields"]
        if "service message" in field["description"].lower()
    }
    assert called & CONTENT == set()


def test_every_method_about_a_chat_is_decided() -> None:
    """Each makes something stale or doesn't; what only reads or sends is neither."""
    methods = {
        method
        for method in described()["methods"]
        if "chat_id" in parameters(method) and not method.startswith(("get", "send"))
    }
    without_a_chat = {"setUserEmojiStatus"}
    assert set(CHANGED_BY_CALLS) & METHODS_WITHOUT_EFFECT == set()
    assert set(CHANGED_BY_CALLS) | METHODS_WITHOUT_EFFECT == methods | without_a_chat


def test_every_cached_method_exists() -> None:
    """The Bot API has all three."""
    assert set(described()["methods"]) >= CACHED


def test_the_names_of_a_chat_are_what_chat_and_its_full_info_share() -> None:
    """Whatever an update shows of a chat and getChat answers as well is compared."""
    assert set(NAMES_OF_A_CHAT) == (fields("Chat") & fields("ChatFullInfo")) - {"id"}


def test_the_names_of_a_user_are_the_users() -> None:
    """They exist, in private chats as well."""
    assert set(NAMES_OF_A_USER) <= fields("User") & fields("Chat")
