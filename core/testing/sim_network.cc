#include "testing/sim_network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace aero::tests {

sim_network::connection* sim_network::find(connection_id id) noexcept {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : &found->second;
}

void sim_network::set_weather(const sim_weather& weather) {
    weather_ = weather;
    for (auto& [id, each] : connections_) {
        const bool outward = each.befalls == fault::black_hole_out || each.befalls == fault::cut_out;
        if (each.befalls != fault::silent && (outward ? each.out : each.in) <= each.fault_at)
            each.befalls = fault::none;
    }
}

nanos sim_network::arrival(nanos& until) {
    nanos delay = world_.between(weather_.delay_min, weather_.delay_max);
    if (world_.chance(weather_.slow)) delay *= 10;
    until = std::max(until, world_.now() + delay);
    return until;
}

connection_id sim_network::connect(const io::endpoint& to, sim_watcher* watcher) {
    const connection_id id = ++last_;
    connection& made = connections_[id];
    made.address = to.text();
    made.watcher = watcher;
    const auto service = services_.find(made.address);
    made.service = service == services_.end() ? nullptr : service->second;
    if (world_.chance(weather_.silent)) made.befalls = fault::silent;
    if (world_.chance(weather_.black_hole))
        made.befalls = world_.chance(0.5) ? fault::black_hole_out : fault::black_hole_in;
    if (world_.chance(weather_.cut)) made.befalls = world_.chance(0.5) ? fault::cut_out : fault::cut_in;
    made.fault_at = world_.below(weather_.fault_bytes_max);
    if (world_.chance(weather_.no_accept)) return id;  // nothing ever happens
    const bool refused = made.service == nullptr || world_.chance(weather_.refuse);
    world_.at(arrival(made.in_until), [this, id, refused] {
        connection* on = find(id);
        if (on == nullptr) return;
        if (refused || on->reset) {
            sim_watcher* told = on->watcher;
            connections_.erase(id);
            told->on_failed(id, ECONNREFUSED);
            return;
        }
        on->connected = true;
        on->watcher->on_connected(id);
    });
    return id;
}

io::io_result sim_network::send(connection_id id, byte_view bytes) {
    connection* on = find(id);
    if (on == nullptr || on->reset) return {.status = io::io_status::failed, .error_number = ECONNRESET};
    if (on->ended) return {.status = io::io_status::closed, .error_number = EPIPE};
    if (world_.chance(0.1)) {
        if (!std::exchange(on->waits_to_write, true)) {
            world_.after(world_.between(1000, 100'000), [this, id] {
                connection* later = find(id);
                if (later != nullptr && std::exchange(later->waits_to_write, false)) later->watcher->on_writable(id);
            });
        }
        return {.status = io::io_status::would_block};
    }
    size_t count = bytes.size();
    if (world_.chance(0.3)) count = 1 + world_.below(count);
    buffer run;
    run.append(bytes.first(count));
    world_.at(arrival(on->out_until),
              [this, id, carried = std::make_shared<buffer>(std::move(run))] { deliver_out(id, std::move(*carried)); });
    return {.bytes = count};
}

// Bytes reach the server, in spite of the client having closed since: what was sent is sent.
void sim_network::deliver_out(connection_id id, buffer bytes) {
    connection* on = find(id);
    if (on == nullptr || on->reset || on->service == nullptr || on->befalls == fault::silent) return;
    const size_t before = on->out;
    on->out += bytes.size();
    byte_view arriving = bytes.view();
    const bool cut = on->befalls == fault::cut_out && on->out > on->fault_at;
    const bool lost = on->befalls == fault::black_hole_out && on->out > on->fault_at;
    if (cut || lost) arriving = arriving.first(on->fault_at > before ? on->fault_at - before : 0);
    if (!arriving.empty()) on->service->on_bytes(id, arriving);
    if (cut) {
        on = find(id);
        if (on == nullptr) return;
        on->service->on_gone(id);
        end_in(id, world_.chance(0.5));
    }
}

void sim_network::reply(connection_id id, byte_view bytes) {
    connection* on = find(id);
    if (on == nullptr || on->reset || on->ended) return;
    while (!bytes.empty()) {
        const size_t count = world_.chance(0.5) ? bytes.size() : 1 + world_.below(bytes.size());
        buffer run;
        run.append(bytes.first(count));
        bytes = bytes.subspan(count);
        world_.at(arrival(on->in_until), [this, id, carried = std::make_shared<buffer>(std::move(run))] {
            deliver_in(id, std::move(*carried));
        });
    }
}

void sim_network::deliver_in(connection_id id, buffer bytes) {
    connection* on = find(id);
    if (on == nullptr || on->reset || on->ended) return;
    const size_t before = on->in;
    on->in += bytes.size();
    byte_view arriving = bytes.view();
    const bool cut = on->befalls == fault::cut_in && on->in > on->fault_at;
    const bool lost = on->befalls == fault::black_hole_in && on->in > on->fault_at;
    if (cut || lost) arriving = arriving.first(on->fault_at > before ? on->fault_at - before : 0);
    if (!arriving.empty()) {
        on->input.append(arriving);
        on->watcher->on_readable(id);
    }
    if (cut) end_in(id, world_.chance(0.5));
}

// The client's end learns that the connection is over; bytes that arrived before can still be read.
void sim_network::end_in(connection_id id, bool reset) {
    connection* on = find(id);
    if (on == nullptr || on->reset || on->ended) return;
    (reset ? on->reset : on->ended) = true;
    if (on->connected) on->watcher->on_readable(id);
}

io::io_result sim_network::receive(connection_id id, byte_span into) {
    connection* on = find(id);
    if (on == nullptr) return {.status = io::io_status::failed, .error_number = ECONNRESET};
    const size_t there = on->input.size() - on->taken;
    if (there == 0) {
        if (on->reset) return {.status = io::io_status::failed, .error_number = ECONNRESET};
        return {.status = on->ended ? io::io_status::closed : io::io_status::would_block};
    }
    size_t count = std::min(there, into.size());
    if (world_.chance(0.3)) count = 1 + world_.below(count);
    std::memcpy(into.data(), on->input.data() + on->taken, count);
    on->taken += count;
    if (on->taken == on->input.size()) {
        on->input.clear();
        on->taken = 0;
    }
    return {.bytes = count};
}

bool sim_network::stale(connection_id id) const {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return true;
    return found->second.reset || found->second.ended || found->second.input.size() > found->second.taken;
}

void sim_network::close(connection_id id) {
    connection* on = find(id);
    if (on == nullptr) return;
    // Nobody is told any more, but bytes on their way still arrive at the server.
    struct nobody final : sim_watcher {
        void on_connected(connection_id) override {}
        void on_failed(connection_id, int) override {}
        void on_readable(connection_id) override {}
        void on_writable(connection_id) override {}
    };
    static nobody none;
    on->watcher = &none;
    on->ended = true;
    on->input.clear();
    on->taken = 0;
    world_.at(std::max(on->out_until, on->in_until) + weather_.delay_max, [this, id] {
        connection* gone = find(id);
        if (gone == nullptr) return;
        if (gone->service != nullptr && !gone->reset) gone->service->on_gone(id);
        connections_.erase(id);
    });
}

void sim_network::hang_up(connection_id id) {
    connection* on = find(id);
    if (on == nullptr) return;
    world_.at(arrival(on->in_until), [this, id] { end_in(id, false); });
}

void sim_network::shut(const io::endpoint& at) {
    const std::string address = at.text();
    sim_service* const service = std::exchange(services_[address], nullptr);
    std::vector<connection_id> there;
    for (auto& [id, each] : connections_) {
        if (each.address == address) there.push_back(id);
    }
    for (const connection_id id : there) {
        if (service != nullptr) service->on_gone(id);
        if (connection* on = find(id)) on->service = nullptr;
        end_in(id, true);
    }
}

}  // namespace aero::tests
