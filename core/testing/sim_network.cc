#include "testing/sim_network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "wire/message.h"

namespace aero::tests {
namespace {

uint64_t hash_of(const std::string& text) {
    uint64_t sum = 14695981039346656037u;
    for (const char c : text) sum = (sum ^ static_cast<uint8_t>(c)) * 1099511628211u;
    return sum;
}

}  // namespace

sim_network::connection* sim_network::find(connection_id id) noexcept {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : &found->second;
}

nanos sim_network::arrival(connection& on, nanos& until) {
    nanos delay = on.chances.between(weather_.delay_min, weather_.delay_max);
    if (on.chances.chance(weather_.slow)) delay *= 10;
    until = std::max(until, world_.now() + delay);
    return until;
}

void sim_network::listen(const std::string& address, sim_service* service, sim_tls_host* by_tls) {
    services_[address] = {service, by_tls};
    dark_.erase(address);
}

connection_id sim_network::connect(const std::string& to) {
    const connection_id id = ++last_;
    connection& made = connections_[id];
    made.address = to;
    sim_random& chances = made.chances =
        sim_random(sim_random::mix(world_.seed(), sim_random::mix(hash_of(to), ++made_[to])));
    if (chances.chance(weather_.stall)) made.befalls = chances.chance(0.5) ? fault::stall_out : fault::stall_in;
    if (chances.chance(weather_.cut)) made.befalls = chances.chance(0.5) ? fault::cut_out : fault::cut_in;
    made.fault_at = chances.chance(0.3) ? chances.below(64) : chances.below(weather_.fault_bytes_max);
    made.connect_lost = chances.chance(weather_.lose_connect) || dark_.contains(to);
    const bool refused = chances.chance(weather_.refuse);
    nanos at = arrival(made, made.in_until);
    if (chances.chance(weather_.slow_accept)) at += chances.between(0, from_ms(1500));
    world_.at(at, [this, id, refused] { finish_connect(id, refused); });
    return id;
}

void sim_network::finish_connect(connection_id id, bool refused) {
    connection* on = find(id);
    if (on == nullptr || on->connect_lost || on->connected || on->error != 0) return;
    const auto service = services_.find(on->address);
    if (service == services_.end() || service->second.service == nullptr || refused) {
        on->error = ECONNREFUSED;
        on->reset = true;
    } else {
        on->service = service->second.service;
        on->connected = true;
        if (service->second.by_tls != nullptr) {
            on->secure = service->second.by_tls->accept();
            if (on->chances.chance(0.5)) on->fault_at += on->chances.below(4000);  // beyond the handshake
        }
    }
    told(id);
    forget_if_over(id);
}

void sim_network::heal() {
    weather_ = {};
    frozen_.clear();
    std::vector<connection_id> all;
    for (const auto& [id, each] : connections_) all.push_back(id);
    for (const connection_id id : all) {
        connection* on = find(id);
        if (on == nullptr) continue;
        if (on->half_open || on->damaged) {
            end_in(id, true);
            continue;
        }
        if (std::exchange(on->connect_lost, false)) finish_connect(id, false);
        on = find(id);
        if (on == nullptr) continue;
        on->befalls = fault::none;
        deliver_out(id, std::move(on->held_out));
        if ((on = find(id)) != nullptr) deliver_in(id, std::move(on->held_in));
    }
}

void sim_network::thaw(const std::string& address) {
    frozen_.erase(address);
    std::vector<connection_id> there;
    for (const auto& [id, each] : connections_)
        if (each.address == address) there.push_back(id);
    for (const connection_id id : there) {
        if (connection* on = find(id)) deliver_out(id, std::move(on->held_out));
        if (connection* on = find(id)) deliver_in(id, std::move(on->held_in));
    }
}

sim_network::condition sim_network::look(connection_id id) const {
    const connection& on = connections_.at(id);
    condition seen{.connected = on.connected, .error = on.error};
    seen.broken = on.reset;
    seen.readable = on.reset || (on.connected && (on.ended || on.input.size() > on.taken));
    seen.writable = on.reset || (on.connected && !on.waits_to_write);
    return seen;
}

int sim_network::take_error(connection_id id) { return std::exchange(connections_.at(id).error, 0); }

// The client's end learns that the connection is over; bytes that arrived before can still be read.
void sim_network::end_in(connection_id id, bool reset) {
    connection* on = find(id);
    if (on == nullptr || on->reset || on->ended) return;
    if (!on->gone && on->service != nullptr && !on->half_open) on->service->on_gone(id);
    on->gone = true;
    (reset ? on->reset : on->ended) = true;
    if (reset) on->error = ECONNRESET;
    if (!on->closed) told(id);
    forget_if_over(id);
}

void sim_network::close(connection_id id) {
    connection& on = connections_.at(id);
    on.closed = true;
    on.input.clear();
    on.taken = 0;
    world_.at(std::max(on.out_until, on.in_until) + weather_.delay_max, [this, id] {
        connection* gone = find(id);
        if (gone == nullptr) return;
        // Stalled bytes are kept for the network's recovery; the peer hears of the end then.
        if (!gone->gone && gone->held_out.empty()) {
            gone->gone = true;
            if (gone->service != nullptr && !gone->half_open) gone->service->on_gone(id);
        }
        forget_if_over(id);
    });
}

void sim_network::forget_if_over(connection_id id) {
    const connection* on = find(id);
    if (on != nullptr && on->closed && (on->gone || on->reset)) connections_.erase(id);
}

void sim_network::hang_up(connection_id id) {
    connection* on = find(id);
    if (on != nullptr) world_.at(arrival(*on, on->in_until), [this, id] { end_in(id, false); });
}

void sim_network::shut(const std::string& address, death how) {
    services_[address] = {};
    if (how == death::silent) dark_.insert(address);
    std::vector<connection_id> there;
    for (auto& [id, each] : connections_)
        if (each.address == address) there.push_back(id);
    for (const connection_id id : there) {
        connection& on = connections_.at(id);
        if (on.service != nullptr && !on.gone) on.service->on_gone(id);
        on.service = nullptr;
        on.held_out.clear();
        on.held_in.clear();
        if (how == death::silent)
            on.half_open = true;
        else
            end_in(id, true);
    }
}

}  // namespace aero::tests
