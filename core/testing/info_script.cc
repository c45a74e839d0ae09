#include "testing/info_script.h"

#include "wire/info_text.h"
#include "wire/message.h"

namespace aero::tests {

std::string info_script::answer(std::string_view command) const {
    const auto found = values.find(command);
    if (found != values.end()) return found->second;
    if (command.starts_with("user-agent-set:")) return "ok";
    return "ERROR:4:unrecognized command";
}

buffer info_script::reply_to(std::string_view request_body) const {
    std::string body;
    for (const std::string_view command : wire::split(request_body, '\n')) {
        if (!command.empty()) body += std::string(command) + '\t' + answer(command) + '\n';
    }
    buffer reply;
    wire::encode_frame_header(reply.room(wire::frame_header_size), wire::frame_type::info, body.size());
    reply.commit(wire::frame_header_size);
    reply.append(body);
    return reply;
}

std::string peers_value(uint64_t generation, const std::vector<std::pair<std::string, wire::host>>& peers) {
    wire::peer_list list{.generation = generation, .default_port = 3000, .peers = {}};
    for (const auto& [name, at] : peers) list.peers.push_back({.node_id = name, .tls_name = {}, .hosts = {at}});
    return wire::encode_peers(list);
}

std::vector<info_script> scripted_cluster(const std::vector<uint16_t>& ports, unsigned replicas,
                                          const std::string& host) {
    const unsigned count = static_cast<unsigned>(ports.size());
    std::vector<info_script> nodes(count);
    for (unsigned i = 0; i < count; ++i) {
        info_script& node = nodes[i];
        node["node"] = "N" + std::to_string(i + 1);
        node["build"] = "8.1.2.0";
        node["cluster-name"] = "scripted";
        node["partition-generation"] = "1";
        node["peers-generation"] = "1";
        node["service-clear-std"] = host + ":" + std::to_string(ports[i]);
        std::vector<std::pair<std::string, wire::host>> peers;
        for (unsigned k = 0; k < count; ++k) {
            if (k != i) peers.push_back({"N" + std::to_string(k + 1), {host, ports[k]}});
        }
        node["peers-clear-std"] = peers_value(1, peers);
        wire::replica_claim claim{.name_space = "test", .regime = 0, .replicas = {}};
        claim.replicas.resize(std::min(replicas, count));
        for (unsigned r = 0; r < claim.replicas.size(); ++r) {
            for (unsigned p = 0; p < wire::partitions; ++p) {
                if ((p + r) % count == i) claim.replicas[r].add(p);
            }
        }
        node["replicas"] = wire::encode_replicas({claim});
    }
    return nodes;
}

}  // namespace aero::tests
