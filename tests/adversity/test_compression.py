"""Compressed replies that are cut, that lie and that promise more than memory holds."""

import pytest
from fixtures import hostile
from fixtures.stopwatch import Stopwatch

from aerospike_py import exception

KEY = ("test", "compressed", "k")
KEYS = [("test", "compressed", i) for i in range(30)]
BINS = {"text": "a text that shrinks " * 10, "n": 1}
HUNDRED_MIB = 100 * 2**20
BOMB = hostile.bomb(100, announced=1000)


def policy(**more):
    return {"compress": True, "total_timeout": 3000} | more


def compressed(request, reply):
    """The reply as a server with compression gives it: every message of it, however small, is compressed."""
    return b"".join(hostile.packed(each) for each in hostile.messages_of(reply))


@pytest.fixture
def filled(stage):
    """The stage with its records written; the server behind has no compression, so requests stay small."""
    stage.face.put(KEY, BINS)
    stage.face.batch_write([(key, BINS) for key in KEYS])
    return stage


def answer(stage, act, make):
    """Lets replies to requests of the compressing client be made of the plain ones; gives what the call gives."""
    stage.cluster.arm(lambda request, reply: make(request, reply))
    try:
        return act()
    finally:
        stage.cluster.heal()


def test_get_survives_one_cut_at_any_byte_of_a_compressed_reply(filled):
    assert answer(filled, lambda: filled.face.get(KEY, policy()), lambda *of: [compressed(*of)]).bins == BINS
    size = len(compressed(b"", b"".join(filled_reply(filled))))
    for position in range(size):
        cuts = iter([[position]])

        def cut_once(request, reply, cuts=cuts):
            whole = compressed(request, reply)
            return [whole[: cut[0]], hostile.CLOSE] if (cut := next(cuts, None)) else [whole]

        got = answer(filled, lambda: filled.face.get(KEY, policy(max_retries=5)), cut_once)
        assert got.bins == BINS, position
    filled.check_goes_on()


def filled_reply(stage):
    """The plain reply to a get."""
    seen = []

    def keep(request, reply):
        seen.append(reply)
        return [reply]

    answer(stage, lambda: stage.face.get(KEY), keep)
    return seen


LIES = {
    "a promise of 100 MiB backed by next to nothing": lambda plain: hostile.packed(plain, HUNDRED_MIB)[:36],
    "a whole stream that promised 100 MiB": lambda plain: hostile.packed(plain, HUNDRED_MIB),
    "a bomb": lambda plain: BOMB,
    "a size beyond the limit": lambda plain: hostile.packed(plain, 2**40),
    "more than promised": lambda plain: hostile.packed(plain, len(plain) - 1),
    "less than promised": lambda plain: hostile.packed(plain, len(plain) + 1),
    "something behind the stream": lambda plain: hostile.packed(plain, trailing=b"?"),
    "compressed twice": lambda plain: hostile.packed(hostile.packed(plain)),
    "info inside": lambda plain: hostile.packed(hostile.frame(hostile.INFO, plain[8:])),
    "two messages in one": lambda plain: hostile.packed(plain + plain),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_fail_the_call_and_take_no_memory(filled, lie):
    def lying(request, reply):
        return [LIES[lie](hostile.messages_of(reply)[0]), hostile.HANG]

    watch = Stopwatch()
    with pytest.raises(exception.AerospikeError):
        answer(filled, lambda: filled.face.get(KEY, policy(total_timeout=1500, max_retries=0)), lying)
    assert watch.took() < 1.5 + 5
    filled.check_goes_on()


def test_a_reply_that_nobody_asked_to_compress_is_refused(filled):
    filled.cluster.arm(lambda request, reply: [compressed(request, reply), hostile.HANG])
    with pytest.raises(exception.ClusterError, match="does not allow"):
        filled.face.get(KEY, {"max_retries": 0, "total_timeout": 3000})
    filled.check_goes_on()
