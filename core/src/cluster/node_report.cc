#include "cluster/node_report.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"

namespace aero::cluster {
namespace {

constexpr size_t name_size_max = 63;
constexpr size_t namespaces_max = 64;  // servers allow 32

template <class T>
using expected = std::expected<T, std::string>;

constexpr uint16_t clear_port = 3000;
constexpr uint16_t tls_port = 4333;

std::string_view peers_command(const inquiry& asked) {
    if (asked.tls) return asked.alternate ? "peers-tls-alt" : "peers-tls-std";
    return asked.alternate ? "peers-clear-alt" : "peers-clear-std";
}
std::string_view clear_service_command(const inquiry& asked) {
    return asked.alternate ? "service-clear-alt" : "service-clear-std";
}
std::string_view services_command(const inquiry& asked) {
    if (asked.tls) return asked.alternate ? "service-tls-alt" : "service-tls-std";
    return clear_service_command(asked);
}

// The value of a command that must be there and be no error.
expected<std::string_view> value_of(const info_channel& reply, std::string_view command) {
    const auto value = reply.find(command);
    if (!value) return std::unexpected("gives no " + quoted(command));
    if (wire::info_error_of(*value)) return std::unexpected("answers " + quoted(*value) + " to " + quoted(command));
    return *value;
}

template <class Integer>
bool parse(std::string_view text, Integer& to) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), to);
    return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

std::unexpected<std::string> unreadable(std::string_view command, std::string_view value) {
    return std::unexpected("gives " + quoted(value) + " as its " + std::string(command));
}

expected<int64_t> integer_of(const info_channel& reply, std::string_view command) {
    const auto value = value_of(reply, command);
    if (!value) return std::unexpected(value.error());
    int64_t number = 0;
    if (!parse(*value, number)) return unreadable(command, *value);
    return number;
}

expected<std::string> name_of_node(const info_channel& reply) {
    const auto value = value_of(reply, "node");
    if (!value) return std::unexpected(value.error());
    const bool printable = std::ranges::all_of(*value, [](char c) { return c > ' ' && c <= '~'; });
    if (value->empty() || value->size() > name_size_max || !printable) return unreadable("node", *value);
    return std::string(*value);
}

// At least three numbers; anything may follow them.
expected<std::array<unsigned, 4>> build_of(const info_channel& reply) {
    const auto value = value_of(reply, "build");
    if (!value) return std::unexpected(value.error());
    std::array<unsigned, 4> build{};
    const char* at = value->data();
    const char* const end = at + value->size();
    size_t parts = 0;
    while (parts < build.size() && at != end) {
        const auto parsed = std::from_chars(at, end, build[parts]);
        if (parsed.ec != std::errc{}) break;
        ++parts;
        at = parsed.ptr;
        if (at == end || *at != '.') break;
        ++at;
    }
    if (parts < 3) return unreadable("build", *value);
    return build;
}

expected<partition_table::claims> claims_of(const info_channel& reply) {
    const auto value = value_of(reply, "replicas");
    if (!value) return std::unexpected(value.error());
    const auto decoded = wire::decode_replicas(*value);
    if (!decoded || decoded->size() > namespaces_max) return unreadable("replicas", *value);
    partition_table::claims made;
    for (const wire::replica_claim& each : *decoded) {
        partition_claim& claim = made[each.name_space];
        claim.regime = each.regime;
        claim.replicas = static_cast<uint32_t>(std::clamp<size_t>(each.replicas.size(), 1, replicas_max));
        for (size_t r = 0; r < std::min<size_t>(each.replicas.size(), replicas_max); ++r)
            claim.held[r] = each.replicas[r];
    }
    return made;
}

// `ns:id;ns:id`. Community servers have no racks and say so by an error, which leaves the list empty.
std::map<std::string, int, std::less<>> racks_of(const info_channel& reply) {
    std::map<std::string, int, std::less<>> racks;
    const std::string_view value = reply.find("rack-ids").value_or("");
    if (wire::info_error_of(value)) return racks;
    for (const std::string_view entry : wire::split(value, ';')) {
        const size_t colon = entry.find(':');
        int id = 0;
        if (colon == std::string_view::npos || !parse(entry.substr(colon + 1), id)) continue;
        racks.insert_or_assign(std::string(entry.substr(0, colon)), id);
    }
    return racks;
}

// Runs `read` and keeps its value in `to`, or its error in `why` when that holds none yet.
template <class T>
void keep(expected<T>&& read, T& to, std::string& why) {
    if (read) {
        to = *std::move(read);
    } else if (why.empty()) {
        why = std::move(read.error());
    }
}

void read_peers(const inquiry& asked, const info_channel& reply, node_report& report, std::string& why) {
    std::string_view value;
    keep(value_of(reply, peers_command(asked)), value, why);
    if (!why.empty()) return;
    auto decoded = wire::decode_peers(value);
    if (!decoded) {
        why = "gives peers that cannot be read: " + quoted(value);
        return;
    }
    report.peers_generation = static_cast<int64_t>(decoded->generation);
    report.peers = std::move(decoded->peers);
    std::erase_if(report.peers, [](const wire::peer& each) { return each.hosts.empty(); });
}

void read_calls_at(const inquiry& asked, const info_channel& reply, node_report& report, std::string& why) {
    std::string_view value;
    keep(value_of(reply, clear_service_command(asked)), value, why);
    if (!why.empty()) return;
    auto decoded = wire::decode_service(value, clear_port);
    if (!decoded || decoded->empty()) {
        why = "gives no address for calls in clear: " + quoted(value);
        return;
    }
    report.calls_at = *std::move(decoded);
}

}  // namespace

std::vector<std::string> commands_of(const inquiry& asked) {
    std::vector<std::string> commands;
    if (!asked.user_agent.empty()) commands.push_back("user-agent-set:value=" + asked.user_agent);
    // Generations come before what they number: a change in between is then seen by the next look.
    commands.insert(commands.end(), {"node", "peers-generation", "partition-generation"});
    if (asked.identity) commands.insert(commands.end(), {"build", "cluster-name"});
    if (asked.rack_generation) commands.emplace_back("rebalance-generation");
    if (asked.peers) commands.emplace_back(peers_command(asked));
    if (asked.map) commands.emplace_back("replicas");
    if (asked.services) commands.emplace_back(services_command(asked));
    if (asked.calls_at) commands.emplace_back(clear_service_command(asked));
    if (asked.racks) commands.emplace_back("rack-ids");
    return commands;
}

expected<node_report> read_report(const inquiry& asked, const info_channel& reply) {
    node_report report;
    std::string why;
    keep(name_of_node(reply), report.name, why);
    keep(integer_of(reply, "peers-generation"), report.peers_generation, why);
    keep(integer_of(reply, "partition-generation"), report.partition_generation, why);
    if (asked.identity) {
        keep(build_of(reply), report.build, why);
        report.cluster_name = reply.find("cluster-name").value_or("");
    }
    if (asked.rack_generation) keep(integer_of(reply, "rebalance-generation"), report.rebalance_generation, why);
    if (asked.peers) read_peers(asked, reply, report, why);
    if (asked.map) keep(claims_of(reply), report.claims, why);
    if (asked.racks) report.racks = racks_of(reply);
    if (asked.calls_at) read_calls_at(asked, reply, report, why);
    if (asked.services) {
        // Only a hint for clients behind a mapping: one that cannot be read is as good as none.
        auto services =
            wire::decode_service(reply.find(services_command(asked)).value_or(""), asked.tls ? tls_port : clear_port);
        if (services) report.services = *std::move(services);
    }
    if (!why.empty()) return std::unexpected(std::move(why));
    return report;
}

std::string user_agent_value(std::string_view application) {
    constexpr size_t text_max = 63;  // more and the server refuses it
    std::string text = "1,aero-0.1.0,";
    for (const char c : application) text += c > ' ' && c <= '~' && c != ',' ? c : '_';
    text.resize(std::min(text.size(), text_max));
    return base64_encode(as_bytes(text));
}

}  // namespace aero::cluster
