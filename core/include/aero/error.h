// What can go wrong in a call, and what is known about it.
//
// Every fallible function of the library returns `result<T>`; nothing throws across a call. An `error` is a plain
// value: copyable, owned by whoever holds it, safe to hand to another thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace aero {

// Result codes: zero is success, positive ones come from a server (one byte on the wire), negative ones are local.
enum class code : int16_t {
    ok = 0,
    server_error = 1,
    record_not_found = 2,
    generation = 3,
    parameter = 4,
    record_exists = 5,
    bin_exists = 6,
    cluster_key_mismatch = 7,
    server_memory = 8,
    timeout = 9,  // the server gave up; a local deadline is `deadline`
    always_forbidden = 10,
    partition_unavailable = 11,
    bin_type = 12,
    record_too_big = 13,
    key_busy = 14,
    query_abort = 15,
    unsupported_feature = 16,
    bin_not_found = 17,
    device_overload = 18,
    key_mismatch = 19,
    invalid_namespace = 20,
    bin_name = 21,
    forbidden = 22,
    element_not_found = 23,
    element_exists = 24,
    enterprise_only = 25,
    op_not_applicable = 26,
    filtered_out = 27,
    lost_conflict = 28,
    xdr_key_busy = 32,
    query_end = 50,
    security_not_supported = 51,
    security_not_enabled = 52,
    security_scheme = 53,
    security_command = 54,
    security_field = 55,
    security_state = 56,
    invalid_user = 60,
    user_exists = 61,
    invalid_password = 62,
    expired_password = 63,
    forbidden_password = 64,
    invalid_credential = 65,
    expired_session = 66,
    invalid_role = 70,
    role_exists = 71,
    invalid_privilege = 72,
    invalid_allowlist = 73,
    quotas_not_enabled = 74,
    invalid_quota = 75,
    not_authenticated = 80,
    role_violation = 81,
    not_allowlisted = 82,
    quota_exceeded = 83,
    udf = 100,
    mrt_blocked = 120,
    mrt_version_mismatch = 121,
    mrt_expired = 122,
    mrt_too_many_writes = 123,
    mrt_committed = 124,
    mrt_aborted = 125,
    mrt_already_locked = 126,
    mrt_monitor_exists = 127,
    batch_disabled = 150,
    batch_max_requests = 151,
    batch_queues_full = 152,
    invalid_geojson = 160,
    index_found = 200,
    index_not_found = 201,
    index_out_of_memory = 202,
    index_not_readable = 203,
    index_generic = 204,
    index_name = 205,
    index_count = 206,
    query_aborted = 210,

    client = -1,            // wrong state or an internal limit
    invalid_argument = -2,  // rejected before anything was sent
    invalid_host = -4,
    cancelled = -5,
    no_more_connections = -7,  // the queue for connections is full
    tls = -9,                  // no secure connection: a certificate was refused, or nothing to speak was agreed on
    connection = -10,          // could not connect, or the connection was lost
    cluster = -11,             // no node answers for this
    deadline = -20,            // the call's own deadline passed
    bad_reply = -21,           // bytes that the protocol does not allow
    backpressure = -22,        // no slot of `max_concurrent_operations` within the queue's time limit
    no_memory = -23,           // the process has no memory left for the call
};

// Where a call was when it ended; the stages of a profile carry the same names.
enum class stage : uint8_t {
    key_parse,
    limiter_wait,
    future_into_py_setup,
    tokio_schedule_delay,  // waiting for the flush of the tick, a connection or a connect
    io,
    retry_wait,
    event_loop_resume_delay,
    spawn_blocking_delay,
    gil_wait,
    into_pyobject,
    to_dict,
    to_numpy,
    merge_to_dict,
    unaccounted,
    count_,
};

std::string_view name_of(code c) noexcept;   // "KeyNotFoundError" style name used in messages and metrics
std::string_view name_of(stage s) noexcept;  // the label of the metric, e.g. "key_parse"

struct error {
    code what = code::client;
    bool in_doubt = false;    // a write that may have happened
    stage where = stage::io;  // the stage the call was in
    uint16_t attempts = 0;    // attempts made, 0 when none was
    std::string node;         // "HOST:PORT" of the last node tried, empty when none was
    std::string text;         // one sentence: what happened, the value, the limit, what to do
};

template <class T>
using result = std::expected<T, error>;

// A shorthand for `return fail(code::parameter, "...")`.
std::unexpected<error> fail(code what, std::string text);

}  // namespace aero
