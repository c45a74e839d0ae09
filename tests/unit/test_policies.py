"""The warning about a policy key that nobody knows."""

import pytest

from aerospike_py import _policies, exception


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """Every test starts without warnings given before."""
    monkeypatch.setattr(_policies, "_warned", set())


@pytest.mark.parametrize(("kind", "key", "nearest"), [
    ("read", "total_timout", "total_timeout"),
    ("write", "comit_level", "commit_level"),
    ("batch", "concurency", "concurrency"),
    ("meta", "generation", "gen"),
    ("config", "host", "hosts"),
    ("admin", "time_out", "timeout"),
])  # fmt: skip
def test_the_warning_names_the_nearest_key(kind, key, nearest):
    with pytest.warns(UserWarning, match=f"{key!r}.*{nearest!r}"):
        _policies.unknown_key(kind, key, False)


def test_a_key_warns_once(recwarn):
    for _ in range(3):
        _policies.unknown_key("read", "speed", False)
    _policies.unknown_key("write", "speed", False)
    assert len(recwarn) == 2


def test_the_warning_points_at_the_caller():
    with pytest.warns(UserWarning, match="speed") as caught:
        _policies.unknown_key("read", "speed", False)
    assert caught[0].filename == __file__


def test_strict_makes_it_an_error_every_time():
    for _ in range(2):
        with pytest.raises(exception.InvalidArgError, match=r"'speed' in the read policy; did you mean"):
            _policies.unknown_key("read", "speed", True)


def test_a_known_key_is_no_mistake(recwarn):
    for kind in ("read", "write", "batch", "admin", "meta", "delete_meta", "config"):
        for key in _policies.known_keys(kind):
            _policies.unknown_key(kind, key, True)
    assert len(recwarn) == 0
