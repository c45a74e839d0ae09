// What a node says of itself.
#include "info/info.h"
#include "node.h"

namespace aero_server {

namespace {
constexpr std::string_view build = "8.1.2.0";  // the server whose behaviour this one follows
constexpr long user_agent_size_max = 63;
}  // namespace

std::string info_node(info_call& call) { return call.here.id(); }
std::string info_build(info_call&) { return std::string(build); }
std::string info_edition(info_call&) { return "Aerospike Community Edition"; }
std::string info_version(info_call&) { return "Aerospike Community Edition build " + std::string(build); }
std::string info_release(info_call&) {
    return "edition=Aerospike Community Edition;version=" + std::string(build) + ";os=embedded;arch=any;sha=0";
}
std::string info_features(info_call&) {
    return "batch-any;batch-index;blob-bits;cdt-index;cdt-list;cdt-map;cluster-stable;float;geo;sindex-exists;peers;"
           "pipelining;pquery;pscans;query-show;relaxed-sc;replicas;replicas-all;replicas-master;replicas-max;"
           "truncate-namespace;udf";
}
std::string info_cluster_name(info_call& call) { return call.here.settings().cluster_name; }
std::string info_empty(info_call&) { return {}; }
std::string info_ok(info_call&) { return "ok"; }
std::string info_enterprise(info_call&) { return info_error(25, "enterprise only"); }
std::string info_connection(info_call&) { return "admin=false"; }
std::string info_logs(info_call&) { return "0:stderr"; }

std::string info_user_agent_set(info_call& call) {
    const auto value = call.params.get("value");
    if (!value) return info_error(4, "missing 'value'");
    if (call.user_agent_set) return info_error(4, "already set");
    const long size = base64_size(*value);
    if (size < 0) return info_error(4, "'value' is not base64");
    if (size > user_agent_size_max) return info_error(4, "'value' value too long");
    call.user_agent_set = true;
    return "ok";
}

}  // namespace aero_server
