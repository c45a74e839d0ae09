// What a simulation looks at after every event, and at every request that is sent.
#include <algorithm>

#include "client/client_shared.h"
#include "testing/simulation.h"
#include "wire/admin.h"
#include "wire/message.h"

namespace aero::tests {
namespace {

constexpr uint64_t steps_at_once_max = 20'000;

bool knows_masters(const cluster::view& seen) {
    const cluster::namespace_map* map = seen.find("test");
    return map != nullptr && std::ranges::find(map->owners[0], cluster::no_node) == map->owners[0].end();
}

// With TLS for logins only, calls and the token that they show.
bool may_go_in_clear(const sim_tls_rules& tls, byte_view request) {
    if (!tls.on) return true;
    if (!tls.for_login_only) return false;
    const wire::frame_type type = wire::decode_frame_header(request.data())->type;
    const byte_view body = request.subspan(wire::frame_header_size);
    if (type == wire::frame_type::info) return as_text(body) == "build\n";  // what calls ask; the tender asks for more
    if (type != wire::frame_type::admin) return true;
    const auto said = wire::decode_admin(body);
    return said && said->command == static_cast<uint8_t>(wire::admin_command::authenticate);
}

}  // namespace

void simulation::look() {
    look_at_nodes();
    if (!kernel_.bad_use().empty()) judge_.fail("use", kernel_.bad_use());
    if (!network_.misled().empty())
        judge_.fail("trust", network_.misled() + " is told something, and has not shown to be who was asked for");
    if (servers_.model().strangers() != 0)
        judge_.fail("login", "something was asked of a node before it was told who asks");
    if (world_.steps_at_this_time() > steps_at_once_max) judge_.fail("spin", "somebody works without end or pause");
}

void simulation::look_at_request(byte_view request, bool in_clear) {
    servers_.model().note_request(request);
    if (in_clear && !may_go_in_clear(plan_.tls, request)) judge_.fail("clear", "what TLS should hide goes in clear");
}

void simulation::look_at_nodes() {
    if (client_ == nullptr) return;
    const cluster::cluster& seen = *client_->handle()->cluster;
    if (seen.version() != seen_version_) {
        seen_version_ = seen.version();
        for (const auto& each : seen.current()->nodes)
            if (std::weak_ptr<cluster::node>& known = nodes_[each.get()]; known.expired()) {
                known = each;
                if (plan_.seed % 2 == 0) kept_nodes_.push_back(each);
                tell("the client adopts " + each->name());
            }
        const bool known = knows_masters(*seen.current());
        judge_.masters_known_since = known ? std::min(judge_.masters_known_since, world_.now()) : never;
        std::string names;
        for (const auto& each : seen.current()->nodes) names += " " + each->name() + "@" + each->address_text();
        tell("the client sees" + names);
    }
    for (const auto& [which, known] : nodes_) {
        const auto held = known.lock();
        if (held == nullptr) continue;
        const uint32_t limit = plan_.config.connections_per_node_max + plan_.loops + 1;  // each may have its first
        if (held->connections() > limit)
            judge_.fail("limit", std::to_string(held->connections()) + " connections to " + held->address_text());
        if (held->connecting() > plan_.config.connecting_per_node_max + plan_.loops)
            judge_.fail("limit", std::to_string(held->connecting()) + " connects at once to " + held->address_text());
    }
}

}  // namespace aero::tests
