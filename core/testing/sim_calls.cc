#include "testing/sim_calls.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

namespace aero::tests {

using command::action;
using command::attempt;
using command::event;

size_t sim_calls::attempts_held() const noexcept {
    size_t count = 0;
    for (const auto& [id, each] : lanes_) count += each.attempt != nullptr ? 1 : 0;
    for (const auto& [node, each] : places_) count += each.queue.size();
    return count;
}

void sim_calls::run(std::unique_ptr<command::call> what, std::function<void(command::call&)> ended) {
    const command::call* key = what.get();
    running_call& which = running_[key];
    which.call = std::move(what);
    which.ended = std::move(ended);
    which.call->start(tending_.view(), world_.now());
    pump(which);
}

// After everything that a call was told: start what it launches, see to what it let go, wake it in time, report its
// end.
void sim_calls::pump(running_call& which) {
    command::call& of = *which.call;
    while (std::unique_ptr<attempt> ready = of.next_launch()) launch(std::move(ready));
    for (attempt* released : of.take_released()) let_go(released);
    if (of.wants_tend()) tending_.tend_soon();
    if (of.done()) {
        const auto entry = running_.extract(&of);
        entry.mapped().ended(of);
        return;
    }
    const nanos at = of.wakeup_at();
    if (at >= which.alarm_at || at == never) return;
    which.alarm_at = at;
    world_.at(at, [this, key = &of, at] {
        const auto found = running_.find(key);
        if (found == running_.end() || found->second.alarm_at != at) return;
        found->second.alarm_at = never;
        found->second.call->wake(tending_.view(), world_.now());
        pump(found->second);
    });
}

std::shared_ptr<cluster::node> sim_calls::holder_of(const cluster::node* which) const {
    for (const auto& each : tending_.view()->nodes) {
        if (each.get() == which) return each;
    }
    return nullptr;
}

void sim_calls::launch(std::unique_ptr<attempt> ready) {
    const std::shared_ptr<cluster::node> node = holder_of(ready->target());
    assert(node != nullptr);  // planned by the view that was just given
    known_[node.get()] = node;
    place& at = places_[node.get()];
    while (!at.idle.empty()) {
        const connection_id id = at.idle.back();
        at.idle.pop_back();
        lane& on = lanes_.at(id);
        if (!node->active() || network_.stale(id) || world_.now() - on.last_used > settings_.idle_max) {
            drop(id);
            continue;
        }
        ++reuses_;
        return begin(id, std::move(ready));
    }
    at.queue.push_back(std::move(ready));
    if (at.connections < settings_.connections_max) connect(node);
}

void sim_calls::connect(const std::shared_ptr<cluster::node>& to) {
    ++places_[to.get()].connections;
    const connection_id id = network_.connect(to->address(), this);
    lanes_[id].node = to;
    world_.after(settings_.connect_max, [this, id] {
        const auto found = lanes_.find(id);
        if (found != lanes_.end() && found->second.connecting) on_failed(id, ETIMEDOUT);
    });
}

void sim_calls::begin(connection_id id, std::unique_ptr<attempt> ready) {
    lane& on = lanes_.at(id);
    on.attempt = std::move(ready);
    ++on.use;
    on.next = on.attempt->resume({.what = event::kind::start}, world_.now());
    push(id);
}

void sim_calls::push(connection_id id) {
    while (true) {
        const auto found = lanes_.find(id);
        if (found == lanes_.end() || found->second.attempt == nullptr) return;
        lane& on = found->second;
        if (on.next.what != action::kind::send) return;
        const io::io_result done = network_.send(id, on.next.output);
        if (done.status == io::io_status::would_block) return;
        if (done.status != io::io_status::ok) {
            return advance(id, {.what = event::kind::failed, .error_number = done.error_number});
        }
        on.next = on.attempt->resume({.what = event::kind::sent, .bytes = done.bytes}, world_.now());
        if (on.next.what == action::kind::finished) return finish(id);
    }
}

void sim_calls::advance(connection_id id, const event& happened) {
    lane& on = lanes_.at(id);
    on.next = on.attempt->resume(happened, world_.now());
    if (on.next.what == action::kind::finished) finish(id);
}

void sim_calls::finish(connection_id id) {
    lane& on = lanes_.at(id);
    std::unique_ptr<attempt> ended = std::move(on.attempt);
    if (ended->connection_reusable()) {
        rest(id);
    } else {
        drop(id);
    }
    hand_back(std::move(ended));
}

void sim_calls::hand_back(std::unique_ptr<attempt> ended) {
    command::call* owner = ended->owner();
    if (owner == nullptr) {
        ++drained_;
        return;
    }
    running_call& which = running_.at(owner);
    owner->finished(std::move(ended), tending_.view(), world_.now());
    pump(which);
}

// The connection is free: it serves who waits longest, or comes to rest.
void sim_calls::rest(connection_id id) {
    lane& on = lanes_.at(id);
    place& at = places_[on.node.get()];
    on.last_used = world_.now();
    if (!on.node->active() && at.queue.empty()) return drop(id);
    if (at.queue.empty()) {
        at.idle.push_back(id);
        return;
    }
    std::unique_ptr<attempt> next = std::move(at.queue.front());
    at.queue.pop_front();
    begin(id, std::move(next));
}

void sim_calls::drop(connection_id id) {
    const auto found = lanes_.find(id);
    const std::shared_ptr<cluster::node> node = found->second.node;
    network_.close(id);
    place& at = places_[node.get()];
    std::erase(at.idle, id);
    lanes_.erase(found);
    --at.connections;
    if (!at.queue.empty()) connect(node);
}

void sim_calls::let_go(attempt* which) {
    for (auto& [node, at] : places_) {
        const auto queued = std::ranges::find_if(at.queue, [&](const auto& each) { return each.get() == which; });
        if (queued == at.queue.end()) continue;
        at.queue.erase(queued);
        return;
    }
    for (auto& [id, on] : lanes_) {
        if (on.attempt.get() != which) continue;
        if (!which->sent_any()) {  // nothing is owed
            on.attempt.reset();
            return rest(id);
        }
        world_.at(which->drain_until, [this, id = id, use = on.use] {
            const auto found = lanes_.find(id);
            if (found == lanes_.end() || found->second.use != use || found->second.attempt == nullptr) return;
            found->second.attempt.reset();
            drop(id);
        });
        return;
    }
}

void sim_calls::on_connected(connection_id id) {
    const auto found = lanes_.find(id);
    if (found == lanes_.end()) return;
    found->second.connecting = false;
    rest(id);
}

void sim_calls::on_failed(connection_id id, int error_number) {
    const auto found = lanes_.find(id);
    if (found == lanes_.end()) return;
    const std::shared_ptr<cluster::node> node = found->second.node;
    place& at = places_[node.get()];
    network_.close(id);
    lanes_.erase(found);
    --at.connections;
    // Who waits longest learns of it; the others get the next connection.
    std::unique_ptr<attempt> hit;
    if (!at.queue.empty()) {
        hit = std::move(at.queue.front());
        at.queue.pop_front();
    }
    if (at.queue.size() > at.connections) connect(node);
    if (hit == nullptr) return;
    hit->resume({.what = event::kind::failed, .error_number = error_number}, world_.now());
    hand_back(std::move(hit));
}

void sim_calls::on_readable(connection_id id) {
    while (true) {
        const auto found = lanes_.find(id);
        if (found == lanes_.end()) return;
        lane& on = found->second;
        if (on.attempt == nullptr) return;  // at rest: found stale when it is taken
        const bool sending = on.next.what == action::kind::send;
        std::array<uint8_t, 1> stray;
        const io::io_result got = network_.receive(id, sending ? byte_span(stray) : on.next.input);
        if (got.status == io::io_status::would_block) return;
        if (got.status == io::io_status::closed) return advance(id, {.what = event::kind::closed});
        if (got.status != io::io_status::ok || sending) {
            return advance(id, {.what = event::kind::failed, .error_number = ECONNRESET});
        }
        advance(id, {.what = event::kind::received, .bytes = got.bytes, .arrived = world_.now()});
    }
}

void sim_calls::on_writable(connection_id id) { push(id); }

}  // namespace aero::tests
