#include "testing/sim_network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "wire/message.h"

namespace aero::tests {
namespace {

buffer copy_of(byte_view bytes) {
    buffer made;
    made.append(bytes);
    return made;
}

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

void sim_network::listen(const std::string& address, sim_service* service) {
    services_[address] = service;
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
    if (service == services_.end() || service->second == nullptr || refused) {
        on->error = ECONNREFUSED;
        on->reset = true;
    } else {
        on->service = service->second;
        on->connected = true;
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
        if (on->half_open) {
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

io::io_result sim_network::send(connection_id id, byte_view bytes) {
    connection& on = connections_.at(id);
    if (on.reset) return {.status = io::io_status::failed, .error_number = ECONNRESET};
    if (on.ended && on.gone) return {.status = io::io_status::closed, .error_number = EPIPE};
    if (on.chances.chance(weather_.partial / 3)) {
        if (!std::exchange(on.waits_to_write, true)) {
            world_.after(on.chances.between(1000, 100'000), [this, id] {
                connection* later = find(id);
                if (later == nullptr || later->closed || !std::exchange(later->waits_to_write, false)) return;
                told(id);
            });
        }
        return {.status = io::io_status::would_block};
    }
    size_t count = bytes.size();
    if (on.chances.chance(weather_.partial)) count = 1 + on.chances.below(count);
    if (on.request_left == 0 && bytes.size() >= wire::frame_header_size) {
        const auto header = wire::decode_frame_header(bytes.data());
        on.request_left = header ? wire::frame_header_size + header->body_size : 0;
        if (watcher_ != nullptr && on.request_left != 0 && on.request_left <= bytes.size())
            watcher_->on_request(id, bytes.first(on.request_left));
    }
    on.request_left -= std::min(on.request_left, count);
    world_.at(arrival(on, on.out_until), [this, id, carried = std::make_shared<buffer>(copy_of(bytes.first(count)))] {
        deliver_out(id, std::move(*carried));
    });
    return {.bytes = count};
}

// Bytes reach the server, in spite of the client having closed since: what was sent is sent.
void sim_network::deliver_out(connection_id id, buffer bytes) {
    connection* on = find(id);
    if (on == nullptr || on->gone || bytes.empty()) return;
    if (on->half_open) {
        if (!dark_.contains(on->address)) end_in(id, true);  // the next life knows nothing of it
        return;
    }
    const size_t before = on->out;
    const size_t room = on->fault_at > before ? on->fault_at - before : 0;
    const bool over = before + bytes.size() > on->fault_at;
    if (frozen_.contains(on->address) || !on->held_out.empty() || (on->befalls == fault::stall_out && over)) {
        on->held_out.append(bytes.view());
        return;
    }
    on->out += bytes.size();
    const bool cut = on->befalls == fault::cut_out && over;
    const byte_view arriving = cut ? bytes.view().first(room) : bytes.view();
    if (on->service != nullptr && !arriving.empty()) on->service->on_bytes(id, arriving);
    if (!cut) return;
    on = find(id);
    if (on == nullptr || on->gone) return;
    on->gone = true;
    if (on->service != nullptr) on->service->on_gone(id);
    end_in(id, on->chances.chance(0.5));
}

void sim_network::reply(connection_id id, byte_view bytes, std::function<void()> read) {
    connection* on = find(id);
    if (on == nullptr || on->reset || on->gone) return;
    on->replied += bytes.size();
    if (read) on->marks[on->replied] = std::move(read);
    while (!bytes.empty()) {
        const bool whole = !on->chances.chance(weather_.partial);
        const size_t count = whole ? bytes.size() : 1 + on->chances.below(bytes.size());
        world_.at(arrival(*on, on->in_until),
                  [this, id, carried = std::make_shared<buffer>(copy_of(bytes.first(count)))] {
                      deliver_in(id, std::move(*carried));
                  });
        bytes = bytes.subspan(count);
    }
}

void sim_network::deliver_in(connection_id id, buffer bytes) {
    connection* on = find(id);
    if (on == nullptr || on->reset || on->ended || on->closed || on->half_open || bytes.empty()) return;
    const size_t before = on->in;
    const bool over = before + bytes.size() > on->fault_at;
    if (frozen_.contains(on->address) || !on->held_in.empty() || (on->befalls == fault::stall_in && over)) {
        on->held_in.append(bytes.view());
        return;
    }
    on->in += bytes.size();
    const bool cut = on->befalls == fault::cut_in && over;
    const byte_view arriving =
        cut ? bytes.view().first(on->fault_at > before ? on->fault_at - before : 0) : bytes.view();
    if (!arriving.empty()) {
        on->input.append(arriving);
        on->arrived = world_.now();
        told(id);
    }
    if (cut && (on = find(id)) != nullptr) end_in(id, on->chances.chance(0.5));
}

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

io::io_result sim_network::receive(connection_id id, byte_span into, bool peek) {
    connection& on = connections_.at(id);
    const size_t there = on.input.size() - on.taken;
    if (there == 0) {
        if (on.reset) return {.status = io::io_status::failed, .error_number = ECONNRESET};
        return {.status = on.ended ? io::io_status::closed : io::io_status::would_block};
    }
    size_t count = std::min(there, into.size());
    if (!peek && on.chances.chance(weather_.partial)) count = 1 + on.chances.below(count);
    std::memcpy(into.data(), on.input.data() + on.taken, count);
    if (!peek) {
        on.taken += count;
        on.received += count;
        while (!on.marks.empty() && on.marks.begin()->first <= on.received)
            on.marks.extract(on.marks.begin()).mapped()();
    }
    if (on.taken == on.input.size()) {
        on.input.clear();
        on.taken = 0;
    }
    return {.bytes = count, .arrived = on.arrived};
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
    services_[address] = nullptr;
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
