#include "aero/error.h"

#include <array>
#include <cstddef>
#include <utility>

namespace aero {

namespace {

struct named {
    code number;
    std::string_view name;
};

// In the order of `code`.
constexpr named names_of_codes[] = {
    {code::ok, "Ok"},
    {code::server_error, "ServerError"},
    {code::record_not_found, "KeyNotFoundError"},
    {code::generation, "GenerationError"},
    {code::parameter, "ParameterError"},
    {code::record_exists, "KeyExistsError"},
    {code::bin_exists, "BinExistsError"},
    {code::cluster_key_mismatch, "ClusterKeyMismatch"},
    {code::server_memory, "ServerMemError"},
    {code::timeout, "Timeout"},
    {code::always_forbidden, "AlwaysForbidden"},
    {code::partition_unavailable, "PartitionUnavailable"},
    {code::bin_type, "BinTypeError"},
    {code::record_too_big, "RecordTooBig"},
    {code::key_busy, "KeyBusy"},
    {code::query_abort, "ScanAbort"},
    {code::unsupported_feature, "UnsupportedFeature"},
    {code::bin_not_found, "BinNotFound"},
    {code::device_overload, "DeviceOverload"},
    {code::key_mismatch, "KeyMismatch"},
    {code::invalid_namespace, "InvalidNamespace"},
    {code::bin_name, "BinNameTooLong"},
    {code::forbidden, "FailForbidden"},
    {code::element_not_found, "ElementNotFound"},
    {code::element_exists, "ElementExists"},
    {code::enterprise_only, "EnterpriseOnly"},
    {code::op_not_applicable, "OpNotApplicable"},
    {code::filtered_out, "FilteredOut"},
    {code::lost_conflict, "LostConflict"},
    {code::xdr_key_busy, "XDRKeyBusy"},
    {code::query_end, "QueryEnd"},
    {code::security_not_supported, "SecurityNotSupported"},
    {code::security_not_enabled, "SecurityNotEnabled"},
    {code::security_scheme, "SecuritySchemeNotSupported"},
    {code::security_command, "InvalidCommand"},
    {code::security_field, "InvalidField"},
    {code::security_state, "IllegalState"},
    {code::invalid_user, "InvalidUser"},
    {code::user_exists, "UserAlreadyExists"},
    {code::invalid_password, "InvalidPassword"},
    {code::expired_password, "ExpiredPassword"},
    {code::forbidden_password, "ForbiddenPassword"},
    {code::invalid_credential, "InvalidCredential"},
    {code::expired_session, "ExpiredSession"},
    {code::invalid_role, "InvalidRole"},
    {code::role_exists, "RoleAlreadyExists"},
    {code::invalid_privilege, "InvalidPrivilege"},
    {code::invalid_allowlist, "InvalidAllowlist"},
    {code::quotas_not_enabled, "QuotasNotEnabled"},
    {code::invalid_quota, "InvalidQuota"},
    {code::not_authenticated, "NotAuthenticated"},
    {code::role_violation, "RoleViolation"},
    {code::not_allowlisted, "NotAllowlisted"},
    {code::quota_exceeded, "QuotaExceeded"},
    {code::udf, "UdfError"},
    {code::mrt_blocked, "MrtBlocked"},
    {code::mrt_version_mismatch, "MrtVersionMismatch"},
    {code::mrt_expired, "MrtExpired"},
    {code::mrt_too_many_writes, "MrtTooManyWrites"},
    {code::mrt_committed, "MrtCommitted"},
    {code::mrt_aborted, "MrtAborted"},
    {code::mrt_already_locked, "MrtAlreadyLocked"},
    {code::mrt_monitor_exists, "MrtMonitorExists"},
    {code::batch_disabled, "BatchDisabled"},
    {code::batch_max_requests, "BatchMaxRequestsExceeded"},
    {code::batch_queues_full, "BatchQueuesFull"},
    {code::invalid_geojson, "InvalidGeojson"},
    {code::index_found, "IndexFound"},
    {code::index_not_found, "IndexNotFound"},
    {code::index_out_of_memory, "IndexOom"},
    {code::index_not_readable, "IndexNotReadable"},
    {code::index_generic, "IndexGeneric"},
    {code::index_name, "IndexNameMaxLen"},
    {code::index_count, "IndexMaxCount"},
    {code::query_aborted, "QueryAborted"},
    {code::client, "Client"},
    {code::invalid_argument, "InvalidArgument"},
    {code::invalid_host, "InvalidHost"},
    {code::cancelled, "Cancelled"},
    {code::no_more_connections, "NoMoreConnections"},
    {code::tls, "Tls"},
    {code::connection, "Connection"},
    {code::cluster, "Cluster"},
    {code::deadline, "Timeout"},
    {code::bad_reply, "BadReply"},
    {code::backpressure, "Backpressure"},
    {code::no_memory, "NoMemory"},
};

}  // namespace

std::string_view name_of(code c) noexcept {
    for (const named& known : names_of_codes) {
        if (known.number == c) return known.name;
    }
    return "Unknown";  // a number that a newer server made up
}

std::string_view name_of(stage s) noexcept {
    static constexpr std::array<std::string_view, static_cast<size_t>(stage::count_)> names{
        "key_parse",
        "limiter_wait",
        "future_into_py_setup",
        "tokio_schedule_delay",
        "io",
        "retry_wait",
        "event_loop_resume_delay",
        "spawn_blocking_delay",
        "gil_wait",
        "into_pyobject",
        "to_dict",
        "to_numpy",
        "merge_to_dict",
        "unaccounted",
    };
    const auto index = static_cast<size_t>(s);
    return index < names.size() ? names[index] : std::string_view{"unknown"};
}

std::unexpected<error> fail(code what, std::string text) {
    error e;
    e.what = what;
    e.text = std::move(text);
    return std::unexpected(std::move(e));
}

}  // namespace aero
