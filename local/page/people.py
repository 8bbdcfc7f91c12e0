"""Who is there when the page opens: a few people, a group that they are in, and the admin.

Rule: they are made without any update, as people who have Telegram and never met the bot; the first who writes to it
begins, as everywhere.
"""

from local.telegram.members import simple
from local.telegram.world import ADMIN_ID, World

_PEOPLE = {
    501: {"first_name": "Ann", "last_name": "Lee", "username": "ann_lee", "language_code": "en"},
    502: {"first_name": "Ben", "last_name": "Okafor", "username": "ben_okafor", "language_code": "en"},
    503: {"first_name": "Cem", "last_name": "Demir", "username": "cem_demir", "language_code": "de"},
    504: {"first_name": "Dora", "last_name": "Novák", "username": "dora_novak", "language_code": "en"},
}
GROUP_ID = -500
_TITLE = "Weekend trip"


def settle(world: World) -> None:
    """Have them all be there, and the bot in their group."""
    for user_id, names in _PEOPLE.items():
        world.users[user_id] = {"id": user_id, "is_bot": False, **names}
    first, *_ = _PEOPLE
    group = world.chat(GROUP_ID, "group", first)
    group.info = group.info | {"title": _TITLE}
    for user_id in (*_PEOPLE, ADMIN_ID):
        group.members.setdefault(user_id, simple(world.users[user_id], "member"))
    group.members[world.bot["id"]] = simple(world.bot, "member")
