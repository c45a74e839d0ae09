"""What policies and metas do, which of them wins, and what is said about wrong ones."""

import warnings

import pytest

import aerospike_py
from aerospike_py import _policies

FOREVER = 4294967295


# ---- existence ------------------------------------------------------------------------------------------------------


def test_create_only_refuses_an_existing_record(face, key):
    policy = {"exists": aerospike_py.POLICY_EXISTS_CREATE_ONLY}
    face.put(key, {"a": 1}, policy=policy)
    with pytest.raises(aerospike_py.RecordExistsError) as caught:
        face.put(key, {"a": 2}, policy=policy)
    assert caught.value.result_code == 5
    assert face.get(key).bins == {"a": 1}


@pytest.mark.parametrize("mode", ["UPDATE", "UPDATE_ONLY", "REPLACE_ONLY"])
def test_update_and_replace_only_want_a_record(face, key, mode):
    policy = {"exists": getattr(aerospike_py, f"POLICY_EXISTS_{mode}")}
    with pytest.raises(aerospike_py.RecordNotFound):
        face.put(key, {"a": 1}, policy=policy)
    assert face.exists(key).meta is None


def test_update_only_keeps_the_other_bins(face, key):
    face.put(key, {"a": 1, "b": 2})
    face.put(key, {"a": 3}, policy={"exists": aerospike_py.POLICY_EXISTS_UPDATE_ONLY})
    assert face.get(key).bins == {"a": 3, "b": 2}


@pytest.mark.parametrize("mode", ["REPLACE", "REPLACE_ONLY"])
def test_replace_drops_the_other_bins(face, key, mode):
    face.put(key, {"a": 1, "b": 2})
    face.put(key, {"c": 3}, policy={"exists": getattr(aerospike_py, f"POLICY_EXISTS_{mode}")})
    assert face.get(key).bins == {"c": 3}


def test_replace_creates_what_is_missing(face, key):
    face.put(key, {"a": 1}, policy={"exists": aerospike_py.POLICY_EXISTS_REPLACE})
    assert face.get(key).bins == {"a": 1}


# ---- generation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [None, {"gen": aerospike_py.POLICY_GEN_EQ}])
def test_a_generation_in_the_meta_has_to_match(face, key, policy):
    face.put(key, {"a": 1})
    face.put(key, {"a": 2}, meta={"gen": 1}, policy=policy)
    with pytest.raises(aerospike_py.RecordGenerationError) as caught:
        face.put(key, {"a": 3}, meta={"gen": 1}, policy=policy)
    assert caught.value.result_code == 3
    assert face.get(key).bins == {"a": 2}


def test_generation_greater_wants_a_larger_number(face, key):
    policy = {"gen": aerospike_py.POLICY_GEN_GT}
    face.put(key, {"a": 1})
    with pytest.raises(aerospike_py.RecordGenerationError):
        face.put(key, {"a": 2}, meta={"gen": 1}, policy=policy)
    face.put(key, {"a": 3}, meta={"gen": 2}, policy=policy)
    assert face.get(key).bins == {"a": 3}


def test_remove_and_operate_look_at_the_generation_too(face, key):
    face.put(key, {"a": 1})
    stale = {"gen": 9}
    with pytest.raises(aerospike_py.RecordGenerationError):
        face.remove(key, meta=stale)
    with pytest.raises(aerospike_py.RecordGenerationError):
        face.operate(key, [{"op": aerospike_py.OPERATOR_INCR, "bin": "a", "val": 1}], meta=stale)
    with pytest.raises(aerospike_py.RecordGenerationError):
        face.increment(key, "a", 1, meta=stale)
    face.remove(key, meta={"gen": 1})
    assert face.exists(key).meta is None


def test_the_policy_may_switch_the_comparison_off(face, key):
    face.put(key, {"a": 1})
    face.put(key, {"a": 2}, meta={"gen": 9}, policy={"gen": aerospike_py.POLICY_GEN_IGNORE})
    assert face.get(key).bins == {"a": 2}


# ---- time to live ---------------------------------------------------------------------------------------------------


def test_a_ttl_may_stand_in_the_meta_or_in_the_policy(face, new_key):
    by_meta, by_policy = new_key(), new_key()
    face.put(by_meta, {"a": 1}, meta={"ttl": 1000})
    face.put(by_policy, {"a": 1}, policy={"ttl": 2000})
    assert 995 <= face.exists(by_meta).meta.ttl <= 1001  # both sides count whole seconds
    assert 1995 <= face.exists(by_policy).meta.ttl <= 2001


def test_the_ttl_of_the_policy_wins_over_the_meta(face, key):
    face.put(key, {"a": 1}, meta={"ttl": 1000}, policy={"ttl": 3000})
    assert 2995 <= face.exists(key).meta.ttl <= 3000


def test_never_expire_reads_as_the_largest_number(face, key):
    face.put(key, {"a": 1}, meta={"ttl": aerospike_py.TTL_NEVER_EXPIRE})
    assert face.exists(key).meta.ttl == FOREVER


def test_dont_update_keeps_the_remaining_time(face, key):
    face.put(key, {"a": 1}, meta={"ttl": 1000})
    face.put(key, {"a": 2}, meta={"ttl": aerospike_py.TTL_DONT_UPDATE})
    assert 990 <= face.exists(key).meta.ttl <= 1000


def test_client_default_is_accepted(face, key):
    face.put(key, {"a": 1}, meta={"ttl": aerospike_py.TTL_CLIENT_DEFAULT})
    assert face.get(key).bins == {"a": 1}


@pytest.mark.parametrize("ttl", [-4, -100, 2**32, 2**63 - 1])
def test_a_ttl_out_of_range_is_refused(unconnected, key, ttl):
    with pytest.raises(aerospike_py.InvalidArgError, match="ttl out of range"):
        unconnected.put(key, {"a": 1}, meta={"ttl": ttl})
    with pytest.raises(aerospike_py.InvalidArgError, match="ttl out of range"):
        unconnected.put(key, {"a": 1}, policy={"ttl": ttl})
    with pytest.raises(aerospike_py.InvalidArgError, match="ttl out of range"):
        unconnected.batch_write([(key, {"a": 1}, {"ttl": ttl})])


# ---- meta and policy ------------------------------------------------------------------------------------------------


def test_the_meta_fills_what_the_policy_leaves_out(face, key):
    face.put(key, {"a": 1, "b": 2})
    face.put(key, {"c": 3}, meta={"exists": aerospike_py.POLICY_EXISTS_REPLACE}, policy={"total_timeout": 1000})
    assert face.get(key).bins == {"c": 3}


def test_the_policy_wins_over_the_meta(face, key):
    face.put(key, {"a": 1})
    face.put(
        key,
        {"b": 2},
        meta={"exists": aerospike_py.POLICY_EXISTS_CREATE_ONLY},
        policy={"exists": aerospike_py.POLICY_EXISTS_IGNORE},
    )
    assert face.get(key).bins == {"a": 1, "b": 2}


def test_a_stored_key_that_differs_is_refused(face, key):
    send = {"key": aerospike_py.POLICY_KEY_SEND}
    face.put(key, {"a": 1}, policy=send)
    liar = (key[0], key[1], "somebody else", face.exists(key).key.digest)
    with pytest.raises(aerospike_py.ServerError) as caught:
        face.put(liar, {"a": 2}, policy=send)
    assert caught.value.result_code == aerospike_py.AEROSPIKE_ERR_KEY_MISMATCH
    face.put(liar, {"a": 3})
    assert face.get(key).bins == {"a": 3}


# ---- every key ------------------------------------------------------------------------------------------------------

TRANSPORT = {
    "socket_timeout": 5000,
    "total_timeout": 5000,
    "max_retries": 1,
    "sleep_between_retries": 5,
    "timeout_delay": 0,
    "compress": False,
}
READ = TRANSPORT | {"replica": 0, "read_mode_ap": 1, "read_touch_ttl_percent": 50}
WRITE = TRANSPORT | {
    "durable_delete": False,
    "key": 1,
    "exists": 0,
    "gen": 0,
    "commit_level": 1,
    "ttl": 100,
    "read_mode_ap": 1,
    "read_touch_ttl_percent": -1,
}
BATCH = READ | WRITE | {"concurrency": 0, "allow_inline": False, "allow_inline_ssd": True, "respond_all_keys": False}


def test_every_key_of_the_policies_is_known(face, key):
    """Each policy of `types` in full, so that a key the parser does not know would warn, and warnings are errors."""
    without_filter = {kind: _policies.known_keys(kind) - {"filter_expression"} for kind in ("read", "write", "batch")}
    assert (set(READ), set(WRITE), set(BATCH)) == tuple(without_filter.values())
    face.put(key, {"a": 1}, policy=WRITE)
    assert face.get(key, policy=READ).bins == {"a": 1}
    assert face.batch_read([key], policy=BATCH).to_dict() == {key[2]: {"a": 1}}
    meta = {"gen": 1, "ttl": 50, "key": 0, "exists": 0, "commit_level": 1, "durable_delete": False}
    assert set(meta) == _policies.known_keys("meta")
    face.put(key, {"a": 2}, meta=meta)
    del meta["ttl"], meta["exists"]
    result = face.batch_remove([(key, meta | {"gen": 2})])
    assert result.batch_records[0].result == 0


@pytest.mark.parametrize("policy", [None, {}])
def test_no_policy_and_an_empty_one_mean_the_defaults(face, key, policy):
    face.put(key, {"a": 1}, policy=policy)
    assert face.get(key, policy=policy).bins == {"a": 1}


# ---- wrong ones -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["1000", 1.5, [1], {"a": 1}])
@pytest.mark.parametrize("name", ["total_timeout", "max_retries", "socket_timeout"])
def test_a_value_of_the_wrong_type_is_a_type_error(unconnected, key, name, value):
    for call in (
        lambda policy: unconnected.get(key, policy),
        lambda policy: unconnected.put(key, {"a": 1}, None, policy),
        lambda policy: unconnected.batch_read([key], None, policy),
    ):
        with pytest.raises(TypeError):
            call({name: value})


@pytest.mark.parametrize("policy", ["fast", 1, [("total_timeout", 1)]])
def test_a_policy_has_to_be_a_dict(unconnected, key, policy):
    with pytest.raises(TypeError):
        unconnected.get(key, policy)
    with pytest.raises(TypeError):
        unconnected.put(key, {"a": 1}, policy)


@pytest.mark.parametrize("name", ["exists", "gen", "key", "commit_level"])
@pytest.mark.parametrize("value", [99, -5])
def test_a_mode_out_of_range_means_the_default(face, key, name, value):
    face.put(key, {"a": 1}, policy={name: value})
    assert face.get(key).bins == {"a": 1}


@pytest.mark.parametrize("percent", [-2, 101, 1000])
def test_a_read_touch_percentage_out_of_range_is_refused(unconnected, key, percent):
    with pytest.raises(aerospike_py.InvalidArgError, match="read_touch_ttl_percent"):
        unconnected.get(key, {"read_touch_ttl_percent": percent})


@pytest.mark.parametrize("percent", [-1, 0, 1, 100])
def test_a_read_touch_percentage_in_range_is_accepted(face, key, percent):
    face.put(key, {"a": 1}, meta={"ttl": 1000})
    assert face.get(key, {"read_touch_ttl_percent": percent}).bins == {"a": 1}


@pytest.mark.parametrize("value", [-1, 2, 7])
def test_an_unknown_concurrency_is_a_value_error(unconnected, key, value):
    with pytest.raises(ValueError, match="concurrency"):
        unconnected.batch_read([key], policy={"concurrency": value})


def test_prefer_rack_without_racks_is_refused(face, key):
    policy = {"replica": aerospike_py.POLICY_REPLICA_PREFER_RACK}
    with pytest.raises(aerospike_py.InvalidArgError, match=r"(?i)rack"):
        face.get(key, policy)
    with pytest.raises(aerospike_py.InvalidArgError, match=r"(?i)rack"):
        face.batch_read([key], policy=policy)


@pytest.mark.parametrize("replica", ["MASTER", "SEQUENCE"])
def test_reads_from_master_and_in_sequence(face, key, replica):
    face.put(key, {"a": 1})
    assert face.get(key, {"replica": getattr(aerospike_py, f"POLICY_REPLICA_{replica}")}).bins == {"a": 1}


def test_a_filter_is_refused_rather_than_ignored(unconnected, key):
    policy = {"filter_expression": {"__expr__": "bool_val", "val": False}}
    with pytest.raises(aerospike_py.InvalidArgError, match="filter_expression"):
        unconnected.get(key, policy)
    with pytest.raises(aerospike_py.InvalidArgError, match="filter_expression"):
        unconnected.put(key, {"a": 1}, policy=policy)
    with pytest.raises(aerospike_py.InvalidArgError, match="filter_expression"):
        unconnected.batch_read([key], policy=policy)


def test_an_unknown_key_warns_once_and_names_the_nearest(face, key):
    policy = {f"totl_timeout_{face.kind}": 1}
    face.put(key, {"a": 1})
    with pytest.warns(UserWarning, match=r"'totl_timeout_\w+'.*'total_timeout'"):
        assert face.get(key, policy).bins == {"a": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert face.get(key, policy).bins == {"a": 1}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_strict_client_refuses_unknown_keys(new_face, key, kind):
    strict = new_face(kind, strict=True)
    for call in (
        lambda: strict.get(key, {"total_timout": 1}),
        lambda: strict.put(key, {"a": 1}, {"tll": 1}),
        lambda: strict.put(key, {"a": 1}, None, {"exist": 1}),
        lambda: strict.batch_read([key], None, {"concurency": 1}),
    ):
        with pytest.raises(aerospike_py.InvalidArgError, match="did you mean"):
            call()


def test_a_strict_client_refuses_unknown_keys_of_its_config(hosts):
    with pytest.raises(aerospike_py.InvalidArgError, match="tend_interval"):
        aerospike_py.client({"hosts": hosts, "strict": True, "tend_intervall": 1000})


def test_a_policy_instance_serves_every_batch_call(face, new_key):
    keys = [new_key(), new_key()]
    policy = aerospike_py.BatchPolicyInstance(total_timeout=5000, ttl=500)
    face.batch_write([(key, {"a": 1}) for key in keys], policy)
    found = face.batch_read(keys, policy=policy)
    assert found.to_list() == [{"a": 1}, {"a": 1}]
    assert 490 <= found.batch_records[0].record[1]["ttl"] <= 501  # both sides count whole seconds
    assert [each.result for each in face.batch_remove(keys, policy).batch_records] == [0, 0]


def test_a_policy_instance_cannot_be_made_wrongly_or_changed():
    with pytest.raises(TypeError):
        aerospike_py.BatchPolicyInstance(total_timout=1)
    with pytest.raises(TypeError):
        aerospike_py.BatchPolicyInstance({"total_timeout": 1})
    with pytest.raises(TypeError):
        aerospike_py.BatchPolicyInstance(total_timeout="1")
    with pytest.raises(AttributeError):
        aerospike_py.BatchPolicyInstance(total_timeout=1).total_timeout = 2
