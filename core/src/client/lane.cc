#include "client/lane.h"

#include <algorithm>
#include <cassert>

#include "base/no_memory.h"
#include "base/planted.h"
#include "metrics/counters.h"

namespace aero::detail {

using command::action;
using command::attempt;
using command::event;

namespace {

// A connection used a moment ago is taken at its word; asking the kernel costs a system call.
constexpr nanos rest_trusted = 5'000'000;

}  // namespace

lane::lane(std::shared_ptr<cluster::node> to, io::reactor& watched, timer_wheel& timers, attempt_sink& told, limits set)
    : node_(std::move(to)), reactor_(watched), timers_(timers), sink_(told), limits_(set) {
    if (set.adapts) adapted_.emplace(set.busy_max);
}

lane::~lane() {
    while (!all_.empty()) drop(*all_.back());
}

void lane::run(std::unique_ptr<attempt> ready, nanos now) {
    while (!idle_.empty() && !full()) {
        loop_connection& taken = *idle_.back();
        idle_.pop_back();
        const nanos rested = now - taken.last_used;
        const bool old = rested > limits_.idle_max && all_.size() > limits_.kept;
        if (old || !node_->trusts(taken.opened) || (rested >= rest_trusted && taken.stream.stale())) {
            drop(taken);
            continue;
        }
        begin(taken, std::move(ready), now);
        return;
    }
    if (queue_.size() >= limits_.queued_max) {
        metrics::count(metrics::event::queue_overflow);
        ready->fail(code::no_more_connections,
                    "more than " + std::to_string(limits_.queued_max) + " calls wait for a connection to the node");
        sink_.attempt_ended(std::move(ready), now);
        return;
    }
    metrics::count(metrics::event::call_queued);
    queue_.push_back(std::move(ready));
    // One connect for each that waits, up to the cap; the others take what comes back.
    if (all_.size() >= busy_most() || connecting_ >= queue_.size() || connect(now)) return;
    if (node_->holds_connects(limits_.connections_max)) metrics::count(metrics::event::connect_held);
}

// Room for one more connection wherever it may come to stand, so that dropping one needs no memory.
void lane::make_room() {
    make_room_for_one(all_);
    idle_.reserve(all_.capacity());
    dropped_.reserve(dropped_.size() + all_.capacity());
}

bool lane::connect(nanos now) {
    make_room();
    auto made = std::make_unique<loop_connection>(*this);
    // A loop always may have its first connection: otherwise nothing of its own would ever come back to wake it.
    const uint32_t most = all_.empty() ? UINT32_MAX : limits_.connections_max;
    // Without a turn the one under way goes on for the others.
    const auto turn = connecting_ == 0 ? cluster::node::turn::first_turn : cluster::node::turn::turn;
    if (!node_->take_slot(most, cluster::node::holder::loop, turn)) return false;
    auto started = node_->start_connect();
    if (!started) {
        node_->drop_slot(cluster::node::holder::loop);
        node_->end_connect();
        fail_queue(started.error().what, started.error().text, now);
        return false;
    }
    made->stream = std::move(*started);
    made->opened = now;
    made->place = all_.size();
    loop_connection& here = *made;
    all_.push_back(std::move(made));
    ++connecting_;
    if (!reactor_.add(here.stream.fd(), io::readiness::write, &here)) {
        drop(here);
        fail_queue(code::no_memory, no_memory().text, now);
        return false;
    }
    timers_.arm(here.drain_alarm, now + limits_.connect_max);
    return true;
}

// Nobody in the queue can be served by this node now; each call decides what to do next.
void lane::fail_queue(code what, const std::string& text, nanos now) {
    // What fails may come straight back, so only those that wait now are told.
    std::deque<std::unique_ptr<attempt>> failing = std::exchange(queue_, {});
    for (auto& one : failing) {
        if (one->owner() == nullptr) continue;
        one->fail(what, text);
        sink_.attempt_ended(std::move(one), now);
    }
}

void lane::ready(loop_connection& which, bool readable, bool writable, nanos now) {
    if (!which.stream.open()) return;  // dropped since the event was gathered
    if (which.connecting) {
        if (writable || readable) connected(which, now);
        return;
    }
    if (which.attempt == nullptr) {  // at rest: the peer closed it or sent what nobody asked for
        if (!which.stream.stale()) return;
        std::erase(idle_, &which);
        drop(which);
        return;
    }
    if (writable && which.next.what == action::kind::send) {
        send(which, now);
        return;
    }
    if (readable && which.next.what == action::kind::receive) read(which, now);
}

// All that has arrived: a receive that filled its room may have left something.
bool lane::read(loop_connection& which, nanos now) {
    const attempt* const of = which.attempt.get();
    bool any = false;
    bool more = true;
    while (more && which.attempt.get() == of && which.next.what == action::kind::receive) {
        const size_t room = which.next.input.size();
        const io::io_result got = which.stream.receive_some(which.next.input);
        more = got.bytes == room;
        switch (got.status) {
            case io::io_status::ok:
                advance(which,
                        {.what = event::kind::received, .bytes = got.bytes, .error_number = 0, .arrived = got.arrived},
                        now);
                break;
            case io::io_status::closed: advance(which, {.what = event::kind::closed}, now); break;
            case io::io_status::failed:
                advance(which, {.what = event::kind::failed, .bytes = 0, .error_number = got.error_number}, now);
                break;
            default: return any;
        }
        any = true;
    }
    return any;
}

loop_connection* lane::only_reading() const noexcept {
    const bool reads =
        busy() == 1 && latest_ != nullptr && latest_->attempt != nullptr && latest_->next.what == action::kind::receive;
    return reads ? latest_ : nullptr;
}

void lane::connected(loop_connection& which, nanos now) {
    const io::io_result state = which.stream.finish_connect();
    if (state.status == io::io_status::would_block) {
        watch(which, which.stream.awaited());
        return;
    }
    which.drain_alarm.disarm();
    connect_over(which);
    if (state.status != io::io_status::ok) {
        const error why = which.stream.trouble(state);
        if (planted(planted_bug::slot_leaked)) node_->take_slot(UINT32_MAX, cluster::node::holder::loop);
        drop(which);
        if (connecting_ == 0 && busy() == 0)
            fail_queue(why.what, "cannot connect to " + node_->address_text() + ": " + why.text, now);
        return;
    }
    rest(which, now);
    serve_queue(now);
}

void lane::connect_over(loop_connection& which) {
    which.connecting = false;
    --connecting_;
    node_->end_connect();
}

void lane::begin(loop_connection& on, std::unique_ptr<attempt> ready, nanos now) {
    on.attempt = std::move(ready);
    on.attempt->carrier = &on;
    latest_ = &on;
    if (on.attempt->wants_stamps != on.stamps) {
        on.stamps = on.attempt->wants_stamps;
        on.stream.ask_timestamps(on.stamps);
    }
    on.next = on.attempt->resume({.what = event::kind::start}, now);
    send(on, now);
}

void lane::advance(loop_connection& which, const event& happened, nanos now) {
    which.next = which.attempt->resume(happened, now);
    if (which.next.what == action::kind::finished)
        finish(which, now);
    else if (which.next.what == action::kind::send)
        send(which, now);
}

void lane::send(loop_connection& which, nanos now) {
    while (which.next.what == action::kind::send) {
        // A profiled call wants the true moment of its first byte, read before the send: on a near network the answer
        // may be there when it returns. The others take the time of this turn.
        const bool marked = which.attempt->wants_stamps && !which.attempt->sent_any();
        const nanos at = marked ? monotonic_now() : now;
        const io::io_result done = which.stream.send_some(which.next.output);
        if (done.status == io::io_status::would_block) {
            watch(which, io::readiness::write);
            return;
        }
        if (done.status != io::io_status::ok) {
            advance(which, {.what = event::kind::failed, .bytes = 0, .error_number = done.error_number}, now);
            return;
        }
        which.next = which.attempt->resume({.what = event::kind::sent, .bytes = done.bytes}, at);
    }
    if (which.next.what == action::kind::finished) return finish(which, now);  // no memory to receive into
    watch(which, io::readiness::read);
}

void lane::finish(loop_connection& which, nanos now) {
    std::unique_ptr<attempt> ended = std::move(which.attempt);
    ended->carrier = nullptr;
    which.drain_alarm.disarm();
    const bool reusable = ended->connection_reusable();
    if (ended->session_over()) node_->session_lost(which.opened, now);
    if (adapted_ && ended->timed())
        adapted_->answered(ended->took(), ended->rows.size(), static_cast<uint32_t>(busy()), now);
    if (reusable && node_->active())
        rest(which, now);
    else
        drop(which);
    serve_queue(now);
    if (ended->owner() != nullptr)
        sink_.attempt_ended(std::move(ended), now);
    else if (reusable)
        metrics::count(metrics::event::reply_discarded);
}

// Those that still wait have what the limit kept at rest, and then another connection, if there may be one.
void lane::serve_queue(nanos now) {
    while (!queue_.empty() && !idle_.empty() && !full()) {
        std::unique_ptr<attempt> next = take_queued();
        if (next == nullptr) return;
        run(std::move(next), now);
    }
    while (!queue_.empty() && queue_.front()->owner() == nullptr) queue_.pop_front();
    if (!queue_.empty() && connecting_ < queue_.size() && all_.size() < busy_most()) connect(now);
}

// A connection is free: the first that waits takes it. None rests at a node that has left, nor with a session that is
// over.
void lane::rest(loop_connection& which, nanos now) {
    if (!node_->trusts(which.opened)) {
        drop(which);
        return serve_queue(now);
    }
    // It counts as being at work itself.
    if (std::unique_ptr<attempt> next = busy() > busy_most() ? nullptr : take_queued()) {
        begin(which, std::move(next), now);
        return;
    }
    if (!node_->active()) {
        drop(which);
        return;
    }
    which.last_used = now;
    watch(which, io::readiness::read);
    idle_.push_back(&which);
}

std::unique_ptr<attempt> lane::take_queued() {
    while (!queue_.empty()) {
        std::unique_ptr<attempt> next = std::move(queue_.front());
        queue_.pop_front();
        if (next->owner() != nullptr) return next;
    }
    return nullptr;
}

void lane::let_go(loop_connection& which, nanos now) {
    if (planted(planted_bug::reply_to_another)) {
        which.attempt.reset();
        rest(which, now);
        return;
    }
    attempt& left = *which.attempt;
    if (adapted_ && left.late && left.sent_any()) adapted_->late(now);
    // What had arrived may have been taken out, which moved the place for what is still to come.
    if (which.next.what == action::kind::receive) which.next = left.resume({.what = event::kind::received}, now);
    // Half a request is worth nothing: closed at the next turn.
    timers_.arm(which.drain_alarm, left.sent_all() && left.drain_until > now ? left.drain_until : now);
}

void lane::drain_expired(loop_connection& which, nanos now) {
    const bool was_connecting = which.connecting;
    if (which.connecting) connect_over(which);
    drop(which);
    if (was_connecting && busy() == 0)
        fail_queue(code::connection, "no connection to " + node_->address_text() + " within the connect timeout", now);
    else
        serve_queue(now);
}

void lane::close_idle(nanos now) {
    const bool all = !node_->active();
    std::erase_if(idle_, [&](loop_connection* one) {
        const bool young = now - one->last_used <= limits_.idle_max || all_.size() <= limits_.kept;
        if (!all && young && node_->trusts(one->opened)) return false;
        drop(*one);
        return true;
    });
}

void lane::keep_open(nanos now) {
    if (!node_->active()) return;
    while (all_.size() < limits_.kept && connect(now)) {}
}

void lane::drop(loop_connection& which) {
    if (which.connecting) connect_over(which);
    if (which.stream.open()) {
        reactor_.remove(which.stream.fd());
        node_->drop_slot(cluster::node::holder::loop);
    }
    const size_t place = which.place;
    assert(all_[place].get() == &which);
    std::swap(all_[place], all_.back());
    all_[place]->place = place;
    dropped_.push_back(std::move(all_.back()));
    all_.pop_back();
    which.drain_alarm.disarm();
    which.stream.close();
    if (latest_ == &which) latest_ = nullptr;
}

void lane::watch(loop_connection& which, io::readiness interest) {
    if (which.interest == interest) return;
    which.interest = interest;
    reactor_.modify(which.stream.fd(), interest, &which);
}

void lane::abandon_after_fork() noexcept {
    for (const auto& one : all_) one->stream.close();
}

}  // namespace aero::detail
