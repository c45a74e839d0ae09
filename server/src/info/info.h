// Info messages: lines of text, each a command of one table. A command's value is written by a function of the file of
// its family.
#pragma once

#include <string>

#include "base/buffer.h"
#include "info/params.h"
#include "ring/membership.h"

namespace aero_server {

class doorman;
class node;

// What a command may look at.
struct info_call {
    node& here;
    bool& user_agent_set;  // of the connection: it may be told once
    info_params params;
};

using info_function = std::string (*)(info_call&);
struct info_command {
    std::string_view name;
    info_function run;
};

// Appends one framed reply to the commands in `body`, each ended by a line feed.
void answer_info(node& here, const doorman& who, bool& user_agent_set, std::string_view body, aero::buffer& to);

std::string info_error(int code, std::string_view text);
// "127.0.0.1:3000", IPv6 in brackets.
std::string address_text(std::string_view host, unsigned port);
std::string base64_of(aero::byte_view bytes);
// The number of bytes that well-formed base64 stands for; -1 when it is not.
long base64_size(std::string_view text);

// One function for each command, in the file of its family.
std::string info_node(info_call&);
std::string info_build(info_call&);
std::string info_edition(info_call&);
std::string info_version(info_call&);
std::string info_release(info_call&);
std::string info_features(info_call&);
std::string info_cluster_name(info_call&);
std::string info_partitions(info_call&);
std::string info_partition_generation(info_call&);
std::string info_peers_generation(info_call&);
std::string info_rebalance_generation(info_call&);
std::string info_replicas(info_call&);
std::string info_replicas_all(info_call&);
std::string info_replicas_master(info_call&);
std::string info_peers(info_call&);
std::string info_peers_alternate(info_call&);
std::string info_service(info_call&);
std::string info_service_alternate(info_call&);
std::string info_tls_peers(info_call&);
std::string info_tls_peers_alternate(info_call&);
std::string info_tls_service(info_call&);
std::string info_tls_service_alternate(info_call&);
std::string info_services(info_call&);
std::string info_empty(info_call&);
std::string info_ok(info_call&);
std::string info_enterprise(info_call&);
std::string info_rack_ids(info_call&);
std::string info_racks(info_call&);
std::string info_cluster_stable(info_call&);
std::string info_user_agent_set(info_call&);
std::string info_connection(info_call&);
std::string info_logs(info_call&);
std::string info_namespaces(info_call&);
std::string info_namespace(info_call&);
std::string info_sets(info_call&);
std::string info_statistics(info_call&);
std::string info_get_stats(info_call&);
std::string info_get_config(info_call&);
std::string info_set_config(info_call&);
std::string info_truncate(info_call&);
std::string info_truncate_namespace(info_call&);
std::string info_sindex_create(info_call&);
std::string info_sindex_exists(info_call&);
std::string info_sindex_stat(info_call&);
std::string info_udf_put(info_call&);
std::string info_udf_get(info_call&);
std::string info_query_show(info_call&);
std::string info_query_abort(info_call&);
std::string info_query_abort_all(info_call&);

}  // namespace aero_server
