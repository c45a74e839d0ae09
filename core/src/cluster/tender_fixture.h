// A network in which everything happens at once or never: the tender's actions are answered on the spot by scripted
// nodes.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "cluster/tender.h"
#include "testing/info_script.h"

namespace aero::cluster {

enum class manner { answers, refuses, black_hole, silent, closes, garbage, truncated, endless, oversized, wrong_kind };

struct scripted_node {
    manner acts = manner::answers;
    tests::info_script script;
    unsigned connects = 0;
    unsigned requests = 0;
    std::set<std::string, std::less<>> asked;
};

class scripted_network {
  public:
    explicit scripted_network(const client_config& config) : machine(config) {}

    scripted_node& at(const std::string& address) { return nodes_[address]; }

    void start() {
        machine.start(now);
        carry_out();
    }
    // Lets time pass, at each moment the machine wants to see.
    void advance(int64_t ms) {
        const nanos until = now + from_ms(ms);
        for (int steps = 0; machine.next_deadline() <= until; ++steps) {
            ASSERT_LT(steps, 100'000) << "the machine wants to be called again and again";
            now = std::max(now, machine.next_deadline());
            machine.tick(now);
            carry_out();
        }
        now = until;
    }
    void carry_out() {
        for (auto actions = machine.take_actions(); !actions.empty(); actions = machine.take_actions()) {
            for (tender::action& each : actions) act(each);
        }
    }
    // The server's end of every connection to this address is lost.
    void cut(const std::string& address) {
        for (const auto& [id, to] : std::map(links_)) {
            if (to != address) continue;
            links_.erase(id);
            machine.failed(id, "was cut", now);
        }
        carry_out();
    }
    size_t open_links() const { return links_.size(); }

    std::string masters_of(unsigned partition, std::string_view name_space = "test") const {
        const view& seen = *machine.current();
        const namespace_map* map = seen.find(name_space);
        if (map == nullptr) return "no namespace";
        std::string text;
        for (unsigned r = 0; r < map->replicas; ++r) {
            const uint8_t owner = map->owners[r][partition];
            text += (r == 0 ? "" : " ") + (owner == no_node ? "-" : seen.nodes[owner]->name());
        }
        return text;
    }
    std::set<std::string> names() const {
        std::set<std::string> all;
        for (const auto& each : machine.current()->nodes) all.insert(each->name());
        return all;
    }

    nanos now = from_ms(1'000'000);
    tender machine;
    std::map<std::string, std::vector<io::endpoint>> dns;
    std::vector<std::pair<link_id, std::string>> hanging;  // lookups that nobody answers

  private:
    void act(tender::action& wanted) {
        switch (wanted.what) {
            case tender::action::kind::resolve: return resolve(wanted);
            case tender::action::kind::connect: return connect(wanted);
            case tender::action::kind::send: return answer(wanted);
            case tender::action::kind::close: links_.erase(wanted.id); return;
        }
    }
    void resolve(const tender::action& wanted) {
        const auto found = dns.find(wanted.to.host);
        if (found == dns.end()) {
            hanging.emplace_back(wanted.id, wanted.to.host);
        } else {
            machine.resolved(wanted.id, found->second, found->second.empty() ? "has no address" : "", now);
        }
    }
    void connect(const tender::action& wanted) {
        const std::string address = wanted.to.text();
        const auto found = nodes_.find(address);
        if (found == nodes_.end() || found->second.acts == manner::refuses) {
            return machine.failed(wanted.id, "refused", now);
        }
        ++found->second.connects;
        if (found->second.acts == manner::black_hole) return;
        links_[wanted.id] = address;
        machine.connected(wanted.id, now);
    }
    void answer(const tender::action& wanted) {
        const auto on = links_.find(wanted.id);
        if (on == links_.end()) return;
        scripted_node& node = nodes_[on->second];
        ++node.requests;
        const std::string_view body = as_text(wanted.bytes.view().subspan(8));
        for (const std::string_view command : wire::split(body, '\n')) node.asked.emplace(command);
        const buffer reply = node.script.reply_to(body);
        const link_id id = wanted.id;
        switch (node.acts) {
            case manner::answers: machine.received(id, reply.view(), now); break;
            case manner::truncated: machine.received(id, reply.view().first(reply.size() / 2), now); break;
            case manner::closes:
                links_.erase(id);
                machine.failed(id, "closed the connection", now);
                break;
            case manner::garbage: machine.received(id, as_bytes({"\x02\x01\0\0\0\0\0\x05\xff\tx\n\n", 13}), now); break;
            case manner::wrong_kind: machine.received(id, as_bytes("HTTP/1.1 400 Bad Request\r\n"), now); break;
            case manner::oversized: machine.received(id, as_bytes({"\x02\x01\0\0\x04\0\0\0", 8}), now); break;
            case manner::endless:
                machine.received(id, reply.view(), now);
                machine.received(id, as_bytes("more and more"), now);
                break;
            case manner::refuses:
            case manner::black_hole:
            case manner::silent: break;
        }
    }

    std::map<std::string, scripted_node> nodes_;
    std::map<link_id, std::string> links_;
};

using names = std::set<std::string>;

inline client_config seeds(const std::vector<uint16_t>& ports) {
    client_config config;
    for (const uint16_t port : ports) config.hosts.push_back({"10.0.0.1", port});
    return config;
}

inline std::string at(uint16_t port) { return "10.0.0.1:" + std::to_string(port); }

// A cluster of three on ports 1, 2, 3.
inline void serve_three(scripted_network& net) {
    const auto scripts = tests::scripted_cluster({1, 2, 3});
    for (uint16_t port = 1; port <= 3; ++port) net.at(at(port)).script = scripts[port - 1u];
}

inline void bump(tests::info_script& script, const std::string& generation) {
    script[generation] = std::to_string(std::stoll(script[generation]) + 1);
}

inline void set_peers(tests::info_script& script, const std::vector<std::pair<std::string, uint16_t>>& peers) {
    bump(script, "peers-generation");
    std::vector<std::pair<std::string, wire::host>> list;
    for (const auto& [name, port] : peers) list.push_back({name, {"10.0.0.1", port}});
    script["peers-clear-std"] = tests::peers_value(std::stoull(script["peers-generation"]), list);
}

inline void set_claims(tests::info_script& script, const std::vector<wire::replica_claim>& claims) {
    bump(script, "partition-generation");
    script["replicas"] = wire::encode_replicas(claims);
}

inline wire::replica_claim all_partitions(uint32_t regime = 0) {
    wire::replica_claim claim{.name_space = "test", .regime = regime, .replicas = std::vector<wire::partition_set>(1)};
    for (unsigned p = 0; p < wire::partitions; ++p) claim.replicas[0].add(p);
    return claim;
}

}  // namespace aero::cluster
