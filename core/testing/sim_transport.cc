// Bytes of simulated connections on their way: sent, sealed, delayed, damaged, stalled, cut, delivered, received.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "testing/sim_network.h"
#include "wire/message.h"

namespace aero::tests {
namespace {

buffer copy_of(byte_view bytes) {
    buffer made;
    made.append(bytes);
    return made;
}

}  // namespace

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
    note_sent(on, bytes, count);
    world_.at(arrival(on, on.out_until), [this, id, carried = std::make_shared<buffer>(copy_of(bytes.first(count)))] {
        deliver_out(id, std::move(*carried));
    });
    return {.bytes = count};
}

// Tells of requests that begin to be sent: of `bytes` the first `count` are.
void sim_network::note_sent(connection& on, byte_view bytes, size_t count) {
    if (on.secure != nullptr) {
        on.secure->sent(bytes.first(count), on.opened);
        if (on.secure->misled()) misled_ = on.address;
        // All that a write asks for fits a record.
        while (on.opened.size() >= wire::frame_header_size) {
            const auto header = wire::decode_frame_header(on.opened.data());
            const size_t size = wire::frame_header_size + (header ? header->body_size : 0);
            if (on.opened.size() < size) break;
            if (watcher_ != nullptr) watcher_->on_request(on.opened.view().first(size), false);
            on.opened.consume(size);
        }
        return;
    }
    if (on.request_left == 0 && bytes.size() >= wire::frame_header_size) {
        const auto header = wire::decode_frame_header(bytes.data());
        on.request_left = header ? wire::frame_header_size + header->body_size : 0;
        if (watcher_ != nullptr && on.request_left != 0 && on.request_left <= bytes.size())
            watcher_->on_request(bytes.first(on.request_left), true);
    }
    on.request_left -= std::min(on.request_left, count);
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
    if (on->service != nullptr && !arriving.empty()) serve(id, arriving);
    if (!cut) return;
    on = find(id);
    if (on == nullptr || on->gone) return;
    on->gone = true;
    if (on->service != nullptr) on->service->on_gone(id);
    end_in(id, on->chances.chance(0.5));
}

void sim_network::serve(connection_id id, byte_view arriving) {
    connection& on = connections_.at(id);
    if (on.secure == nullptr) return on.service->on_bytes(id, arriving);
    const sim_tls::progress made = on.secure->arrived(arriving.size());
    transmit(id, made.sealed.view(), {});
    if (!made.opened.empty()) on.service->on_bytes(id, made.opened.view());
    if (made.failed) hang_up(id);
}

void sim_network::reply(connection_id id, byte_view bytes, std::function<void()> read) {
    connection* on = find(id);
    if (on == nullptr || on->reset || on->gone) return;
    if (on->secure == nullptr) return transmit(id, bytes, std::move(read));
    buffer sealed;
    while (!bytes.empty()) {  // as many records as it takes, or more
        const byte_view piece =
            bytes.first(on->chances.chance(0.5) ? bytes.size() : 1 + on->chances.below(bytes.size()));
        sealed.append(on->secure->seal(piece).view());
        bytes = bytes.subspan(piece.size());
    }
    transmit(id, sealed.view(), std::move(read));
}

void sim_network::transmit(connection_id id, byte_view bytes, std::function<void()> read) {
    connection* on = find(id);
    buffer turned;
    if (on->secure != nullptr && !bytes.empty() && on->chances.chance(weather_.damage)) {
        on->damaged = true;
        turned.append(bytes);
        turned.data()[on->chances.below(bytes.size())] ^= static_cast<uint8_t>(1u << on->chances.below(8));
        bytes = turned.view();
    }
    on->replied += bytes.size();
    if (read && !on->damaged) on->marks[on->replied] = std::move(read);
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

}  // namespace aero::tests
