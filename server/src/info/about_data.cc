// What a node says of its namespaces and sets, and the commands that change them.
#include <chrono>
#include <cstdlib>
#include <thread>

#include "info/info.h"
#include "node.h"

namespace aero_server {

namespace wire = aero::wire;

namespace {

class attributes {
  public:
    explicit attributes(char separator) : separator_(separator) {}
    template <class Value>
    attributes& add(std::string_view name, const Value& value) {
        if (!text_.empty()) text_ += separator_;
        text_ += name;
        text_ += '=';
        if constexpr (std::is_same_v<Value, bool>) {
            text_ += value ? "true" : "false";
        } else if constexpr (std::is_convertible_v<Value, std::string_view>) {
            text_ += value;
        } else {
            text_ += std::to_string(value);
        }
        return *this;
    }
    const std::string& text() const { return text_; }

  private:
    char separator_;
    std::string text_;
};

std::string set_text(const set_info& set) {
    return attributes(':')
        .add("objects", set.objects.load())
        .add("tombstones", 0)
        .add("data_used_bytes", set.data_bytes.load())
        .add("truncate_lut", set.truncated_before_ms.load())
        .add("sindexes", 0)
        .add("index_populating", false)
        .add("truncating", false)
        .add("default-read-touch-ttl-pct", 0)
        .add("default-ttl", 0)
        .add("disable-eviction", false)
        .add("enable-index", false)
        .add("stop-writes-count", 0)
        .add("stop-writes-size", 0)
        .text();
}

std::string config_text(const options& how, unsigned copies) {
    return attributes(';')
        .add("allow-ttl-without-nsup", false)
        .add("default-read-touch-ttl-pct", 0)
        .add("default-ttl", how.default_ttl_s)
        .add("max-record-size", how.record_size_max)
        .add("nsup-period", how.nsup_period_s)
        .add("partition-tree-sprigs", 256)
        .add("rack-id", 0)
        .add("replication-factor", copies)
        .add("strong-consistency", false)
        .add("index-type", "mem")
        .add("sindex-type", "mem")
        .add("storage-engine", "memory")
        .text();
}

// Unix nanoseconds of a `lut` parameter as milliseconds since 2010; when there is none, all that was written until now:
// the answer waits for the millisecond to end, so that what was written before it goes and what comes after it stays.
struct truncation {
    uint64_t before_ms = 0;
    std::string error;
};
truncation truncation_of(info_call& call) {
    const uint64_t now_ms = call.here.data().now_ms();
    const auto lut = call.params.get("lut");
    if (!lut) {
        while (call.here.data().now_ms() <= now_ms) std::this_thread::sleep_for(std::chrono::microseconds(100));
        return {now_ms + 1, {}};
    }
    const uint64_t unix_ms = std::strtoull(std::string(*lut).c_str(), nullptr, 10) / 1'000'000;
    const uint64_t epoch_ms = uint64_t{wire::epoch_offset_s} * 1000;
    if (unix_ms <= epoch_ms) return {0, info_error(4, "would truncate to 0")};
    if (unix_ms - epoch_ms > now_ms) return {0, info_error(4, "would truncate in the future")};
    return {unix_ms - epoch_ms + 1, {}};
}

}  // namespace

std::string info_namespaces(info_call& call) {
    std::string list;
    for (const auto& in : call.here.data().stores()) list += (list.empty() ? "" : ";") + in->name();
    return list;
}

std::string info_namespace(info_call& call) {
    const store* in = call.here.data().find_store(call.params.text());
    if (in == nullptr) return "type=unknown";
    const store::counts held = in->count();
    const membership& ring = call.here.ring();
    return attributes(';')
               .add("ns_cluster_size", ring.alive_count())
               .add("effective_replication_factor", ring.copies())
               .add("objects", held.master + held.replica)
               .add("tombstones", 0)
               .add("xdr_tombstones", 0)
               .add("xdr_bin_cemeteries", 0)
               .add("mrt_provisionals", 0)
               .add("master_objects", held.master)
               .add("master_tombstones", 0)
               .add("prole_objects", held.replica)
               .add("prole_tombstones", 0)
               .add("non_replica_objects", 0)
               .add("unreplicated_records", 0)
               .add("dead_partitions", 0)
               .add("unavailable_partitions", 0)
               .add("stop_writes", false)
               .add("current_time", call.here.data().now_ms() / 1000)
               .add("expired_objects", in->expired_count())
               .add("evicted_objects", 0)
               .add("truncate_lut", in->truncated_before_ms())
               .add("migrate_tx_partitions_remaining", ring.stable() ? 0 : 1)
               .add("migrate_rx_partitions_remaining", ring.stable() ? 0 : 1)
               .add("data_used_bytes", held.bytes)
               .text() +
           ";" + config_text(call.here.settings(), ring.copies());
}

std::string info_sets(info_call& call) {
    const std::string_view path = call.params.text();
    const size_t slash = path.find('/');
    const std::string_view name_space = path.substr(0, slash);
    if (!name_space.empty() && call.here.data().find_store(name_space) == nullptr) return "ns_type=unknown";
    if (slash != std::string_view::npos) {
        const set_info* set = call.here.data().find_store(name_space)->sets().find(path.substr(slash + 1));
        return set == nullptr ? "" : set_text(*set) + ";";
    }
    std::string list;
    for (const auto& in : call.here.data().stores()) {
        if (!name_space.empty() && in->name() != name_space) continue;
        for (const set_info* set : in->sets().all())
            list += "ns=" + in->name() + ":set=" + set->name + ":" + set_text(*set) + ";";
    }
    return list;
}

std::string info_statistics(info_call& call) {
    const membership& ring = call.here.ring();
    uint64_t objects = 0;
    for (const auto& in : call.here.data().stores()) {
        const store::counts held = in->count();
        objects += held.master + held.replica;
    }
    return attributes(';')
        .add("failed_best_practices", false)
        .add("cluster_size", ring.alive_count())
        .add("cluster_integrity", true)
        .add("cluster_is_member", true)
        .add("uptime", call.here.uptime_s())
        .add("objects", objects)
        .add("tombstones", 0)
        .add("client_connections", call.here.connections())
        .add("client_connections_opened", call.here.connections_opened())
        .add("migrate_allowed", true)
        .add("migrate_partitions_remaining", ring.stable() ? 0 : 1)
        .text();
}

std::string info_get_stats(info_call& call) {
    const auto context = call.params.get("context");
    if (!context) return info_error(4, "missing 'context'");
    if (*context == "service") return info_statistics(call);
    const auto name = call.params.name_space();
    if (*context != "namespace" || !name) return info_error(4, "bad 'context'");
    info_call inner{call.here, call.user_agent_set, info_params(*name)};
    return info_namespace(inner);
}

std::string info_get_config(info_call& call) {
    const auto context = call.params.get("context");
    if (!context) return info_error(4, "missing 'context'");
    if (*context == "service")
        return attributes(';')
            .add("batch-max-requests", call.here.settings().batch_rows_max)
            .add("cluster-name", call.here.settings().cluster_name)
            .add("proto-fd-idle-ms", 0)
            .add("proto-fd-max", 15000)
            .add("service-threads", call.here.settings().service_threads)
            .text();
    if (*context == "network") return "service.port=" + std::to_string(call.here.port());
    if (*context != "namespace") return info_error(4, "bad 'context'");
    const auto name = call.params.name_space();
    if (!name) return info_error(4, "missing 'namespace'");
    if (call.here.data().find_store(*name) == nullptr) return info_error(20, "namespace not found on node");
    return config_text(call.here.settings(), call.here.ring().copies());
}

// Settings are fixed when the server starts; claiming to have changed one would be a lie.
std::string info_set_config(info_call& call) {
    if (!call.params.get("context")) return info_error(4, "missing 'context'");
    return info_error(22, "settings are fixed when the embedded server starts");
}

std::string info_truncate(info_call& call) {
    const auto name = call.params.name_space();
    const auto set = call.params.get("set");
    if (!name) return info_error(4, "missing 'namespace'");
    if (!set || set->empty()) return info_error(4, "missing 'set'");
    if (set->size() > wire::set_size_max) return info_error(4, "'set' value too long");
    const truncation when = truncation_of(call);
    if (!when.error.empty()) return when.error;
    call.here.ring().truncate(*name, *set, when.before_ms);
    return "ok";
}

std::string info_truncate_namespace(info_call& call) {
    const auto name = call.params.name_space();
    if (!name) return info_error(4, "missing 'namespace'");
    const truncation when = truncation_of(call);
    if (!when.error.empty()) return when.error;
    call.here.ring().truncate(*name, {}, when.before_ms);
    return "ok";
}

}  // namespace aero_server
