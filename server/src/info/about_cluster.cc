// Who else is there, and who owns which partitions.
#include <array>
#include <cstdio>
#include <map>

#include "info/info.h"
#include "node.h"

namespace aero_server {

namespace wire = aero::wire;

namespace {

constexpr unsigned default_port = 3000;
constexpr unsigned default_tls_port = 4333;

using bitmap = std::array<uint8_t, wire::partitions / 8>;

// Partition p is bit 0x80 >> p % 8 of byte p / 8.
std::string bitmap_text(const store& in, unsigned rank) {
    bitmap bits{};
    for (unsigned id = 0; id < wire::partitions; ++id)
        if (in.at(id).shown_rank.load(std::memory_order_relaxed) == rank)
            bits[id / 8] = static_cast<uint8_t>(bits[id / 8] | 0x80 >> id % 8);
    return base64_of(bits);
}

std::string replicas_text(info_call& call, bool with_regime, unsigned ranks_max) {
    std::string text;
    const unsigned ranks = std::min(ranks_max, call.here.ring().copies());
    for (const auto& in : call.here.data().stores()) {
        if (!text.empty()) text += ';';
        text += in->name() + ":" + (with_regime ? "0," : "") + std::to_string(ranks);
        for (unsigned rank = 0; rank < ranks; ++rank) text += "," + bitmap_text(*in, rank);
    }
    return text;
}

std::string peer_text(const node& here, unsigned other, service which) {
    const membership& ring = here.ring();
    std::string at = here.address_of(other, which);
    const unsigned usual = is_secure(which) ? default_tls_port : default_port;
    if (at.ends_with(":" + std::to_string(usual))) at.resize(at.rfind(':'));
    return "[" + ring.node_id(other) + "," + (is_secure(which) ? here.settings().tls_name : "") + ",[" + at + "]]";
}

std::string peers_text(info_call& call, service which) {
    const membership& ring = call.here.ring();
    const unsigned self = call.here.index();
    std::string list;
    const auto add = [&](const std::string& entry) { list += (list.empty() ? "" : ",") + entry; };
    const uint64_t generation = ring.view(self).peers_generation;
    if (const auto since = call.params.get("generation")) {
        const uint64_t known = std::strtoull(std::string(*since).c_str(), nullptr, 10);
        for (const auto& change : ring.changes_after(self, known))
            add(change.came ? peer_text(call.here, change.node, which) : "[" + ring.node_id(change.node) + ",,]");
    } else {
        for (unsigned other = 0; other < ring.size(); ++other)
            if (other != self && ring.alive(other) && !call.here.address_of(other, which).empty())
                add(peer_text(call.here, other, which));
    }
    return std::to_string(generation) + "," + std::to_string(is_secure(which) ? default_tls_port : default_port) +
           ",[" + list + "]";
}

// Without TLS what is about it is what it is on a Community server: refused.
template <class Tell>
std::string if_secure(info_call& call, Tell tell) {
    return call.here.settings().tls.enable ? tell() : info_enterprise(call);
}

std::string own_address(info_call& call, service which) { return call.here.address_of(call.here.index(), which); }

}  // namespace

std::string info_partitions(info_call&) { return std::to_string(wire::partitions); }
std::string info_partition_generation(info_call& call) {
    return std::to_string(call.here.ring().view(call.here.index()).partition_generation);
}
std::string info_peers_generation(info_call& call) {
    return std::to_string(call.here.ring().view(call.here.index()).peers_generation);
}
std::string info_rebalance_generation(info_call& call) {
    return std::to_string(call.here.ring().view(call.here.index()).rebalance_generation);
}

std::string info_replicas(info_call& call) {
    const auto max = call.params.get("max");
    const unsigned ranks = max ? static_cast<unsigned>(std::strtoul(std::string(*max).c_str(), nullptr, 10)) : 0;
    return replicas_text(call, true, ranks == 0 ? 255 : ranks);
}
std::string info_replicas_all(info_call& call) { return replicas_text(call, false, 255); }
std::string info_replicas_master(info_call& call) {
    std::string text;
    for (const auto& in : call.here.data().stores())
        text += (text.empty() ? "" : ";") + in->name() + ":" + bitmap_text(*in, 0);
    return text;
}

std::string info_peers(info_call& call) { return peers_text(call, service::clear); }
std::string info_peers_alternate(info_call& call) { return peers_text(call, service::clear_alternate); }
std::string info_tls_peers(info_call& call) {
    return if_secure(call, [&] { return peers_text(call, service::tls); });
}
std::string info_tls_peers_alternate(info_call& call) {
    return if_secure(call, [&] { return peers_text(call, service::tls_alternate); });
}

std::string info_service(info_call& call) { return own_address(call, service::clear); }
std::string info_service_alternate(info_call& call) { return own_address(call, service::clear_alternate); }
std::string info_tls_service(info_call& call) {
    return if_secure(call, [&] { return own_address(call, service::tls); });
}
std::string info_tls_service_alternate(info_call& call) {
    return if_secure(call, [&] { return own_address(call, service::tls_alternate); });
}
std::string info_services(info_call& call) {
    std::string list;
    const membership& ring = call.here.ring();
    for (unsigned other = 0; other < ring.size(); ++other) {
        if (other == call.here.index() || !ring.alive(other)) continue;
        list += (list.empty() ? "" : ";") + call.here.address_of(other);
    }
    return list;
}

std::string info_rack_ids(info_call& call) {
    const std::vector<int>& racks = call.here.settings().rack_ids;
    if (racks.empty()) return info_enterprise(call);
    std::string text;
    for (const auto& in : call.here.data().stores())
        text += (text.empty() ? "" : ";") + in->name() + ":" + std::to_string(racks[call.here.index()]);
    return text;
}
std::string info_racks(info_call& call) {
    const std::vector<int>& racks = call.here.settings().rack_ids;
    if (racks.empty()) return info_enterprise(call);
    const membership& ring = call.here.ring();
    std::map<int, std::string> members;
    for (unsigned node = 0; node < ring.size(); ++node) {
        if (!ring.alive(node)) continue;
        std::string& list = members[racks[node]];
        list += (list.empty() ? "" : ",") + ring.node_id(node);
    }
    std::string text;
    for (const auto& in : call.here.data().stores()) {
        text += (text.empty() ? "ns=" : ";ns=") + in->name();
        for (const auto& [rack, list] : members) text += ":rack_" + std::to_string(rack) + "=" + list;
    }
    return text;
}

std::string info_cluster_stable(info_call& call) {
    const membership& ring = call.here.ring();
    if (const auto size = call.params.get("size"))
        if (*size != std::to_string(ring.alive_count())) return info_error(7, "cluster not specified size");
    const auto ignore = call.params.get("ignore-migrations");
    if (!(ignore && *ignore == "true") && !ring.stable()) return info_error(7, "unstable cluster");
    std::array<char, 20> text{};
    std::snprintf(text.data(), text.size(), "%llX", static_cast<unsigned long long>(ring.key()));
    return text.data();
}

}  // namespace aero_server
