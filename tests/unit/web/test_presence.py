from datetime import UTC, datetime, timedelta

from grader.web.presence import Presence


def test_who_went_or_was_not_seen_for_long_is_there_no_more() -> None:
    now = [datetime(2026, 11, 29, 9, tzinfo=UTC)]
    presence = Presence(lambda: now[0])
    presence.arrive("ben", "lab2", "why", "s1")
    presence.arrive("cara", "lab2", "why", "s2")
    assert presence.others("ann", "lab2", "why") == ["ben", "cara"]
    assert presence.others("cara", "lab2", "why", "s1") == ["ben"]
    assert presence.others("ben", "lab2", "why", "s1") == []
    presence.arrive("ben", "lab2", "curves", "s1")
    assert presence.others("ann", "lab2", "why") == ["cara"]
    now[0] += timedelta(minutes=3)
    assert presence.others("ann") == []
