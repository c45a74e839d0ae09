#include "aero/error.h"

#include <array>
#include <cstddef>
#include <utility>

namespace aero {

std::string_view name_of(code c) noexcept {
    switch (c) {
        case code::ok: return "Ok";
        case code::server_error: return "ServerError";
        case code::record_not_found: return "KeyNotFoundError";
        case code::generation: return "GenerationError";
        case code::parameter: return "ParameterError";
        case code::record_exists: return "KeyExistsError";
        case code::bin_exists: return "BinExistsError";
        case code::cluster_key_mismatch: return "ClusterKeyMismatch";
        case code::server_memory: return "ServerMemError";
        case code::timeout: return "Timeout";
        case code::always_forbidden: return "AlwaysForbidden";
        case code::partition_unavailable: return "PartitionUnavailable";
        case code::bin_type: return "BinTypeError";
        case code::record_too_big: return "RecordTooBig";
        case code::key_busy: return "KeyBusy";
        case code::query_abort: return "ScanAbort";
        case code::unsupported_feature: return "UnsupportedFeature";
        case code::bin_not_found: return "BinNotFound";
        case code::device_overload: return "DeviceOverload";
        case code::key_mismatch: return "KeyMismatch";
        case code::invalid_namespace: return "InvalidNamespace";
        case code::bin_name: return "BinNameTooLong";
        case code::forbidden: return "FailForbidden";
        case code::element_not_found: return "ElementNotFound";
        case code::element_exists: return "ElementExists";
        case code::enterprise_only: return "EnterpriseOnly";
        case code::op_not_applicable: return "OpNotApplicable";
        case code::filtered_out: return "FilteredOut";
        case code::lost_conflict: return "LostConflict";
        case code::xdr_key_busy: return "XDRKeyBusy";
        case code::query_end: return "QueryEnd";
        case code::security_not_supported: return "SecurityNotSupported";
        case code::security_not_enabled: return "SecurityNotEnabled";
        case code::invalid_user: return "InvalidUser";
        case code::invalid_credential: return "InvalidCredential";
        case code::expired_session: return "ExpiredSession";
        case code::not_authenticated: return "NotAuthenticated";
        case code::role_violation: return "RoleViolation";
        case code::not_allowlisted: return "NotAllowlisted";
        case code::quota_exceeded: return "QuotaExceeded";
        case code::udf: return "UdfError";
        case code::mrt_blocked: return "MrtBlocked";
        case code::mrt_version_mismatch: return "MrtVersionMismatch";
        case code::mrt_expired: return "MrtExpired";
        case code::mrt_too_many_writes: return "MrtTooManyWrites";
        case code::mrt_committed: return "MrtCommitted";
        case code::mrt_aborted: return "MrtAborted";
        case code::mrt_already_locked: return "MrtAlreadyLocked";
        case code::mrt_monitor_exists: return "MrtMonitorExists";
        case code::batch_disabled: return "BatchDisabled";
        case code::batch_max_requests: return "BatchMaxRequestsExceeded";
        case code::batch_queues_full: return "BatchQueuesFull";
        case code::invalid_geojson: return "InvalidGeojson";
        case code::index_found: return "IndexFound";
        case code::index_not_found: return "IndexNotFound";
        case code::index_out_of_memory: return "IndexOom";
        case code::index_not_readable: return "IndexNotReadable";
        case code::index_generic: return "IndexGeneric";
        case code::index_name: return "IndexNameMaxLen";
        case code::index_count: return "IndexMaxCount";
        case code::query_aborted: return "QueryAborted";
        case code::client: return "Client";
        case code::invalid_argument: return "InvalidArgument";
        case code::invalid_host: return "InvalidHost";
        case code::cancelled: return "Cancelled";
        case code::no_more_connections: return "NoMoreConnections";
        case code::connection: return "Connection";
        case code::cluster: return "Cluster";
        case code::deadline: return "Timeout";
        case code::bad_reply: return "BadReply";
        case code::backpressure: return "Backpressure";
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
