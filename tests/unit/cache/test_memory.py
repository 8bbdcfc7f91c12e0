"""Memory serves for seconds, forgets on request, and keeps what was used last."""

from hypothesis import given
from hypothesis import strategies as st

from floodgate.cache.entry import Entry
from floodgate.cache.memory import MEMORY_S, Memory


def entry(text: str = "1", fresh_until: float = 300) -> Entry:
    """Return an answer."""
    return Entry(text, 0, fresh_until)


def test_an_entry_is_served_for_five_seconds_after_it_was_confirmed() -> None:
    """Not a moment longer, though it is fresh for minutes."""
    memory = Memory()
    memory.keep("a", entry(), confirmed_at=100)
    assert [memory.get("a", now) is not None for now in (100, 104.999, 105)] == [True, True, False]
    memory.keep("a", entry(), confirmed_at=105)
    assert memory.get("a", 109.999) == entry()


def test_an_entry_is_not_served_after_it_has_expired() -> None:
    """However lately it was confirmed."""
    memory = Memory()
    memory.keep("a", entry(fresh_until=102), confirmed_at=100)
    assert [memory.get("a", now) is not None for now in (101.999, 102)] == [True, False]


def test_what_is_dropped_is_gone() -> None:
    """And what was never there may be dropped."""
    memory = Memory()
    memory.keep("a", entry(), confirmed_at=0)
    memory.drop("a")
    memory.drop("b")
    assert memory.get("a", 0) is None


def test_five_seconds_keep_the_promise() -> None:
    """The issue allows a second worker less than 10 s."""
    assert MEMORY_S == 5


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef"))))
def test_those_used_last_are_kept(steps: list[tuple[bool, str]]) -> None:
    """Of any sequence of writes and reads: the entries written or served last, as many as there is room for."""
    memory, expected = Memory(entries=3), dict[str, None]()
    for is_write, key in steps:
        if is_write:
            memory.keep(key, entry(key), confirmed_at=0)
        else:
            memory.get(key, 0)
        if is_write or key in expected:
            expected.pop(key, None)
            expected[key] = None
            if len(expected) > 3:
                del expected[next(iter(expected))]
    assert {key for key in "abcdef" if memory.get(key, 0) == entry(key)} == set(expected)
