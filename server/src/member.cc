#include "member.h"

namespace aero_server {

namespace {

options on_its_own_address(options how) {
    if (how.member < how.members.size()) how.host = how.members[how.member].host;
    return how;
}

}  // namespace

member::member(options how) : options_(on_its_own_address(std::move(how))) {}

std::string member::check_options() const {
    if (options_.members.empty() || options_.members.size() > nodes_max)
        return "members are " + std::to_string(options_.members.size()) + ": expected 1 to " +
               std::to_string(nodes_max);
    if (options_.member >= options_.members.size())
        return "member is " + std::to_string(options_.member) + " of " + std::to_string(options_.members.size());
    if (options_.beat_ms == 0 || options_.dead_ms < 4 * options_.beat_ms)
        return "dead_ms is " + std::to_string(options_.dead_ms) + ": expected at least four beats of " +
               std::to_string(options_.beat_ms) + " ms";
    for (const member_option& each : options_.members) {
        if (each.port == 0 || each.ring_port == 0) return "every member needs two ports that the others know";
        if (each.host != options_.members.front().host) return "members live on one address, each on ports of its own";
    }
    for (const std::string& name : options_.namespaces)
        if (name.empty() || name.size() > aero::wire::namespace_size_max)
            return "namespace '" + name + "' is not 1 to 31 bytes long";
    return {};
}

std::string member::start() {
    if (ring_ != nullptr) return "the member was started before";
    if (std::string problem = check_options(); !problem.empty()) return problem;
    if (!options_.write_log.empty())
        if (std::string problem = log_.open(options_.write_log); !problem.empty()) return problem;
    directory_.host = options_.members.front().host;
    std::vector<std::string> ids;
    for (unsigned i = 0; i < options_.members.size(); ++i) {
        directory_.ports.push_back(options_.members[i].port);
        directory_.told.push_back(options_.members[i].access);
        directory_.alternates.push_back(options_.members[i].alternate);
        ids.push_back(node_id_of(i));
    }
    node_ = std::make_unique<node>(options_.member, ids[options_.member], options_, clock_, users_);
    if (std::string problem = node_->reserve_ports(options_.members[options_.member].port, 0); !problem.empty())
        return problem;
    node_->data().log_to(log_);
    ring_ = std::make_unique<process_ring>(options_, std::move(ids), node_->data());
    node_->introduce(*ring_, directory_);
    if (std::string problem = ring_->start(); !problem.empty()) return problem;
    return node_->start();
}

void member::shutdown() {
    if (ring_ != nullptr) ring_->shutdown();
    if (node_ != nullptr) node_->retire();
}

}  // namespace aero_server
