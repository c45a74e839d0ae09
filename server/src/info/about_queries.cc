// Indexes, UDFs and query jobs. This server has none, and says so instead of pretending.
#include "info/info.h"
#include "node.h"

namespace aero_server {

std::string info_sindex_create(info_call&) { return info_error(16, "the embedded server has no secondary indexes"); }
std::string info_sindex_exists(info_call& call) {
    return call.params.get("indexname") ? "false" : info_error(4, "missing 'indexname'");
}
std::string info_sindex_stat(info_call&) { return info_error(201, "no index"); }
std::string info_udf_put(info_call&) { return info_error(16, "the embedded server runs no UDFs"); }
std::string info_udf_get(info_call&) { return "error=not_found"; }
std::string info_query_show(info_call& call) {
    const bool one = call.params.get("id") || call.params.get("trid");
    return one ? info_error(2, "job not found") : std::string();
}
std::string info_query_abort(info_call&) { return info_error(2, "id not active"); }
std::string info_query_abort_all(info_call&) { return "number-of-queries-killed:0"; }

}  // namespace aero_server
