#include "info/info.h"

#include <array>

#include "secure/doorman.h"
#include "wire/message.h"

namespace aero_server {

namespace {

constexpr std::array commands{
    info_command{"node", info_node},
    info_command{"build", info_build},
    info_command{"edition", info_edition},
    info_command{"version", info_version},
    info_command{"release", info_release},
    info_command{"features", info_features},
    info_command{"cluster-name", info_cluster_name},
    info_command{"partitions", info_partitions},
    info_command{"partition-generation", info_partition_generation},
    info_command{"peers-generation", info_peers_generation},
    info_command{"rebalance-generation", info_rebalance_generation},
    info_command{"replicas", info_replicas},
    info_command{"replicas-all", info_replicas_all},
    info_command{"replicas-master", info_replicas_master},
    info_command{"peers-clear-std", info_peers},
    info_command{"peers-clear-alt", info_peers_alternate},
    info_command{"peers-tls-std", info_tls_peers},
    info_command{"peers-tls-alt", info_tls_peers_alternate},
    info_command{"service", info_service},
    info_command{"service-clear-std", info_service},
    info_command{"service-clear-alt", info_service_alternate},
    info_command{"service-tls-std", info_tls_service},
    info_command{"service-tls-alt", info_tls_service_alternate},
    info_command{"services", info_services},
    info_command{"services-alternate", info_empty},
    info_command{"admin-clear-std", info_empty},
    info_command{"admin-tls-std", info_empty},
    info_command{"alumni-clear-std", info_peers},
    info_command{"rack-ids", info_rack_ids},
    info_command{"racks", info_racks},
    info_command{"roster", info_enterprise},
    info_command{"roster-set", info_enterprise},
    info_command{"quiesce", info_enterprise},
    info_command{"quiesce-undo", info_enterprise},
    info_command{"feature-key", info_enterprise},
    info_command{"masking", info_enterprise},
    info_command{"user-agent-set", info_user_agent_set},
    info_command{"user-agents", info_empty},
    info_command{"connection", info_connection},
    info_command{"logs", info_logs},
    info_command{"status", info_ok},
    info_command{"cluster-stable", info_cluster_stable},
    info_command{"namespaces", info_namespaces},
    info_command{"namespace", info_namespace},
    info_command{"sets", info_sets},
    info_command{"statistics", info_statistics},
    info_command{"get-stats", info_get_stats},
    info_command{"get-config", info_get_config},
    info_command{"set-config", info_set_config},
    info_command{"latencies", info_empty},
    info_command{"truncate", info_truncate},
    info_command{"truncate-undo", info_ok},
    info_command{"truncate-namespace", info_truncate_namespace},
    info_command{"truncate-namespace-undo", info_ok},
    info_command{"sindex-create", info_sindex_create},
    info_command{"sindex-delete", info_ok},
    info_command{"sindex-list", info_empty},
    info_command{"sindex-exists", info_sindex_exists},
    info_command{"sindex-stat", info_sindex_stat},
    info_command{"sindex", info_sindex_stat},
    info_command{"udf-put", info_udf_put},
    info_command{"udf-get", info_udf_get},
    info_command{"udf-list", info_empty},
    info_command{"udf-remove", info_ok},
    info_command{"udf-clear-cache", info_ok},
    info_command{"query-show", info_query_show},
    info_command{"query-abort", info_query_abort},
    info_command{"query-abort-all", info_query_abort_all},
};

std::string refusal(aero::code why) {
    return info_error(static_cast<int>(why), why == aero::code::not_authenticated ? "not authenticated"
                                             : why == aero::code::not_allowlisted ? "not allowlisted"
                                                                                  : "role violation");
}

std::string run(node& here, const doorman& who, bool& user_agent_set, std::string_view line) {
    const size_t end = line.find_first_of(":/");
    const std::string_view name = line.substr(0, end);
    const std::string_view rest = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
    const info_params at(rest);
    const aero::code refused =
        who.check(needed_for_info(name), at.name_space().value_or(""), at.get("set").value_or(""));
    if (refused != aero::code::ok) return refusal(refused);
    for (const info_command& command : commands) {
        if (command.name != name) continue;
        info_call call{here, user_agent_set, at};
        return command.run(call);
    }
    return info_error(4, "unrecognized command");
}

}  // namespace

void answer_info(node& here, const doorman& who, bool& user_agent_set, std::string_view body, aero::buffer& to) {
    const size_t start = to.size();
    to.room(aero::wire::frame_header_size);
    to.commit(aero::wire::frame_header_size);
    while (true) {
        const size_t end = body.find('\n');
        if (end == std::string_view::npos) break;  // an unfinished line is no command
        const std::string_view line = body.substr(0, end);
        body.remove_prefix(end + 1);
        if (line.empty()) continue;
        to.append(line);
        to.append(std::string_view("\t"));
        to.append(run(here, who, user_agent_set, line));
        to.append(std::string_view("\n"));
    }
    aero::wire::encode_frame_header(to.data() + start, aero::wire::frame_type::info,
                                    to.size() - start - aero::wire::frame_header_size);
}

std::string info_error(int code, std::string_view text) {
    std::string error = "ERROR:";
    if (code != 1) error += std::to_string(code);
    return error += ":" + std::string(text);
}

std::string address_text(std::string_view host, unsigned port) {
    const bool six = host.find(':') != std::string_view::npos;
    return (six ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::to_string(port);
}

namespace {
constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64_of(aero::byte_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t left = bytes.size() - i;
        const uint32_t three =
            static_cast<uint32_t>(bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0));
        text += digits[three >> 18];
        text += digits[three >> 12 & 63];
        text += left > 1 ? digits[three >> 6 & 63] : '=';
        text += left > 2 ? digits[three & 63] : '=';
    }
    return text;
}

long base64_size(std::string_view text) {
    if (text.size() % 4 != 0) return -1;
    size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    if (text.substr(0, text.size() - padding).find_first_not_of(digits) != std::string_view::npos) return -1;
    return static_cast<long>(text.size() / 4 * 3 - padding);
}

}  // namespace aero_server
