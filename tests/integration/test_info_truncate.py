"""Info commands and truncation."""

import time

import pytest

from aerospike_py import InfoNodeResult


def test_info_all_asks_every_node(face):
    answers = face.info_all("namespaces")
    assert {type(answer) for answer in answers} == {InfoNodeResult}
    assert sorted(answer.node_name for answer in answers) == sorted(face.get_node_names())
    assert [answer.error_code for answer in answers] == [0] * len(answers)
    assert all("test" in answer.response for answer in answers)


def test_info_random_node_gives_the_value_alone(face):
    build = face.info_random_node("build")
    assert build[0].isdigit()
    assert "build" not in build
    assert "\n" not in build


def test_the_build_is_the_same_both_ways(face):
    answers = {answer.response.strip().rpartition("\t")[2] for answer in face.info_all("build")}
    assert face.info_random_node("build") in answers


def test_an_unknown_command_is_answered_not_raised(face):
    for answer in face.info_all("no-such-command"):
        assert isinstance(answer.error_code, int)
        assert isinstance(answer.response, str)


@pytest.mark.parametrize("command", [None, 5, b"build"])
def test_a_command_has_to_be_a_str(unconnected, command):
    with pytest.raises(TypeError):
        unconnected.info_all(command)
    with pytest.raises(TypeError):
        unconnected.info_random_node(command)


def test_info_takes_a_policy(face):
    assert face.info_random_node("build", {"timeout": 5000}) == face.info_random_node(command="build", policy=None)


def wait_until_gone(face, keys):
    """Truncation reaches the nodes one after the other."""
    deadline = time.monotonic() + 20
    while face.batch_read(keys, []).found_count() and time.monotonic() < deadline:
        time.sleep(0.05)
    return face.batch_read(keys, []).found_count()


def test_truncate_empties_one_set_only(face, new_set):
    emptied, kept = new_set(), new_set()
    keys = [("test", emptied, number) for number in range(50)]
    other = ("test", kept, 1)
    face.batch_write([(key, {"a": 1}) for key in [*keys, other]])
    time.sleep(0.01)
    assert face.truncate("test", emptied) is None
    assert wait_until_gone(face, keys) == 0
    assert face.get(other).bins == {"a": 1}
    time.sleep(0.01)
    face.put(keys[0], {"a": 2})
    assert face.get(keys[0]).bins == {"a": 2}


def test_truncate_spares_what_was_written_later(face, new_set):
    name = new_set()
    old, young = ("test", name, "old"), ("test", name, "young")
    face.put(old, {"a": 1})
    time.sleep(0.1)
    between = time.time_ns()
    time.sleep(0.1)
    face.put(young, {"a": 1})
    face.truncate("test", name, nanos=between, policy={"timeout": 5000})
    assert wait_until_gone(face, [old]) == 0
    assert face.get(young).bins == {"a": 1}


@pytest.mark.parametrize(
    "arguments", [(), ("test",), (None, "demo"), (5, "demo"), ("test", 5), ("test", "demo", "now")]
)
def test_truncate_wants_a_namespace_a_set_and_a_number(unconnected, arguments):
    with pytest.raises(TypeError):
        unconnected.truncate(*arguments)
