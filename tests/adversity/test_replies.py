"""Replies cut, doubled, delayed or incomplete at every place, and calls that share a cluster with such replies."""

import random
import time

import pytest
from fixtures import hostile
from fixtures.leaks import Held, assert_nothing_left
from fixtures.stopwatch import Stopwatch

from aerospike_py import exception

KEY = ("test", "replies", "k")
KEYS = [("test", "replies", i) for i in range(40)]
BINS = {"i": 5, "s": "text", "f": 1.5, "l": [1, "two", {"three": 3}]}
POLICY = {"total_timeout": 3000, "max_retries": 5}


@pytest.fixture
def filled(stage):
    """The stage with its records written."""
    stage.face.put(KEY, BINS)
    stage.face.batch_write([(key, BINS) for key in KEYS])
    return stage


def reply_size(stage, act):
    """Bytes of the longest reply to a call."""
    sizes = []

    def measure(request, reply):
        sizes.append(len(reply))
        return [reply]

    stage.cluster.arm(measure)
    act()
    stage.cluster.heal()
    return max(sizes)


def test_get_survives_one_cut_at_any_byte_by_trying_again(filled):
    size = reply_size(filled, lambda: filled.face.get(KEY))
    for position in range(size):
        filled.cluster.arm(hostile.cut_at(position), times=1)
        assert filled.face.get(KEY, POLICY).bins == BINS, position
    filled.check_goes_on()


def test_batch_read_survives_one_cut_at_any_byte_by_trying_again(filled):
    size = reply_size(filled, lambda: filled.face.batch_read(KEYS))
    places = {*range(64), *range(0, size, 37), *range(size - 40, size)}
    for position in sorted(places):
        filled.cluster.arm(hostile.cut_at(position), times=1)
        assert filled.face.batch_read(KEYS, policy=POLICY).to_list() == [BINS] * len(KEYS), position
    filled.check_goes_on()


def test_put_cut_at_any_byte_is_in_doubt_and_not_repeated(filled):
    size = reply_size(filled, lambda: filled.face.put(KEY, BINS))
    for position in range(size):
        filled.cluster.arm(hostile.cut_at(position))
        with pytest.raises(exception.ClusterError) as caught:
            filled.face.put(KEY, BINS, policy={"total_timeout": 3000})
        assert caught.value.in_doubt, position
        assert sum(each.faulted for each in filled.cluster.proxies) == 1
    filled.check_goes_on()


def test_timed_out_put_is_in_doubt_and_names_node_and_stage(filled):
    filled.cluster.arm(hostile.silent)
    with pytest.raises(exception.AerospikeTimeoutError) as caught:
        filled.face.put(KEY, BINS, policy={"total_timeout": 100})
    assert caught.value.in_doubt
    assert caught.value.stage == "io"
    assert caught.value.attempts == 1
    assert caught.value.node in {f"{host}:{port}" for host, port in filled.cluster.hosts}
    filled.check_goes_on()


def test_timed_out_get_is_never_in_doubt(filled):
    filled.cluster.arm(hostile.silent)
    with pytest.raises(exception.AerospikeTimeoutError) as caught:
        filled.face.get(KEY, {"total_timeout": 100})
    assert not caught.value.in_doubt


def test_silent_node_leaves_a_read_time_for_its_replica(filled):
    filled.cluster.arm(hostile.silent, times=1)
    watch = Stopwatch()
    assert filled.face.get(KEY, {"total_timeout": 1200, "max_retries": 2}).bins == BINS
    assert watch.took() < 1.2
    filled.check_goes_on()


def test_batch_without_some_rows_is_completed_or_says_so(filled):
    filled.cluster.arm(hostile.missing_rows, times=1)
    try:
        rows = filled.face.batch_read(KEYS, policy=POLICY).to_list()
    except exception.ClusterError:
        rows = None
    assert rows is None or rows == [BINS] * len(KEYS)
    filled.check_goes_on()


def test_doubled_rows_are_refused_or_harmless(filled):
    filled.cluster.arm(hostile.rows_twice)
    try:
        assert filled.face.batch_read(KEYS, policy=POLICY).to_list() == [BINS] * len(KEYS)
    except exception.ClusterError:
        pass
    filled.check_goes_on()


def test_late_reply_does_not_answer_the_next_call(filled):
    other = ("test", "replies", "other")
    filled.face.put(other, {"other": 1})
    for _ in range(5):
        filled.cluster.arm(hostile.delayed(0.08), times=1)
        with pytest.raises(exception.AerospikeTimeoutError):
            filled.face.get(KEY, {"total_timeout": 30, "max_retries": 0})
        assert filled.face.get(other).bins == {"other": 1}
        time.sleep(0.1)
        assert filled.face.get(other).bins == {"other": 1}
    filled.check_goes_on()


def test_random_damage_never_crashes_and_never_outlasts_the_deadline(filled):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)

    def damaged(request, reply):
        mutated = bytearray(reply)
        for _ in range(dice.choice((1, 1, 2, 8))):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        # Damage may leave a sound reply, after which its connection is used again: so the end comes late, but it comes.
        return (
            [bytes(mutated), hostile.Pause(0.1), hostile.CLOSE]
            if dice.random() < 0.3
            else [bytes(mutated), hostile.CLOSE]
        )

    filled.cluster.arm(damaged)
    for turn in range(150):
        watch = Stopwatch()
        try:
            if turn % 2:
                filled.face.get(KEY, {"total_timeout": 60})
            else:
                filled.face.batch_read(KEYS, policy={"total_timeout": 60}).to_list()
        except (exception.AerospikeError, ValueError):
            pass
        assert watch.took() < 0.06 + 0.4
    filled.check_goes_on()


FAULTS = [
    hostile.closing,
    hostile.resetting,
    hostile.garbage,
    hostile.truncated,
    hostile.oversized,
    hostile.promising,
    hostile.overrunning_op,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_repeated_faults_keep_nothing(filled, fault):
    def fail_often(times):
        filled.cluster.arm(fault)
        for _ in range(times):
            with pytest.raises(exception.AerospikeError):
                filled.face.get(KEY, {"total_timeout": 20, "max_retries": 0})
        filled.cluster.heal()
        filled.check_goes_on()

    fail_often(30)
    before = Held.now()
    fail_often(150)
    # A connection or two may have been added to the pool; 150 lost ones would be seen, and so would their buffers.
    after = Held.now()
    assert len(after.descriptors) <= len(before.descriptors) + 8
    assert after.threads <= before.threads + 8
    before.descriptors.update(after.descriptors)
    before.threads = after.threads
    assert_nothing_left(before, 6 * 2**20)
