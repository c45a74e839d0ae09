#include "client/blocking_driver.h"

#include <algorithm>
#include <utility>

#include "base/planted.h"
#include "client/late_reply.h"
#include "client/view_cache.h"

namespace aero::detail {

using command::action;
using command::attempt;
using command::event;

namespace {

// An attempt is never waited for longer than this at a stretch, so that a call without a deadline still sees signals
// that another thread took and views that changed.
constexpr nanos longest_wait = 1'000'000'000;

nanos time_until(nanos at, nanos now) noexcept { return at <= now ? 0 : std::min(at - now, longest_wait); }

event from_io(const io::io_result& got) noexcept {
    switch (got.status) {
        case io::io_status::ok:
            return {.what = event::kind::received, .bytes = got.bytes, .error_number = 0, .arrived = got.arrived};
        case io::io_status::closed: return {.what = event::kind::closed};
        default: return {.what = event::kind::failed, .bytes = 0, .error_number = got.error_number};
    }
}

}  // namespace

void blocking_driver::lane::close() noexcept {
    if (node == nullptr) return;
    connection.stream.close();
    if (std::exchange(connecting, false)) node->end_connect();
    if (std::exchange(counted, false)) node->drop_slot();
}

void blocking_driver::run(command::call& what, nanos now) {
    now_ = now;
    view_ = current_view(cluster_);
    what.start(view_, now_);
    while (!what.done()) {
        launch_all(what);
        if (what.done()) break;
        if (what.parked() != parked_.has_value()) note_parking();
        if (lanes_.size() == 1 && !parked_ && !lanes_[0].connecting && lanes_[0].next.what == action::kind::receive)
            wait_one(what);
        else
            wait_many(what);
        if (!what.done()) look_at_view(what);
        leave_let_go();
        if (what.wants_tend()) cluster_.tend_soon();
        if (!what.done() && cluster_.closed()) what.abandon(code::client, "the client was closed", now_);
    }
    leave_let_go();
}

void blocking_driver::note_parking() {
    if (parked_)
        parked_.reset();
    else
        parked_.emplace(cluster_);
}

void blocking_driver::look_at_view(command::call& what) {
    const bool news = cluster_.version() != view_->version && what.waits_for_view();
    if (!news && now_ < what.wakeup_at()) return;
    view_ = current_view(cluster_);
    what.wake(view_, now_);
}

std::shared_ptr<cluster::node> blocking_driver::holder_of(const cluster::node* which) const {
    for (const auto& one : view_->nodes)
        if (one.get() == which) return one;
    return nullptr;
}

void blocking_driver::launch_all(command::call& what) {
    if (!held_back_.empty()) [[unlikely]] {
        for (lane& one : std::exchange(held_back_, {})) {
            if (one.attempt->owner() == nullptr) continue;
            lanes_.push_back(std::move(one));
            launch_last(what);
        }
    }
    while (std::unique_ptr<attempt> ready = what.next_launch()) {
        lane& one = lanes_.emplace_back();
        one.node = holder_of(ready->target());
        one.attempt = std::move(ready);
        launch_last(what);
    }
}

void blocking_driver::launch_last(command::call& what) {
    lane& one = lanes_.back();
    const connected state = connect(one, what);
    if (state != connected::yes) [[unlikely]] {
        lane left = std::move(one);
        lanes_.pop_back();
        if (state == connected::no)
            what.finished(std::move(left.attempt), view_, now_);
        else
            held_back_.push_back(std::move(left));
        return;
    }
    if (one.connecting) return;
    one.next = one.attempt->resume({.what = event::kind::start}, now_);
    send(one, what);
}

// Finds the lane a connection, or starts one. Where none can be had the attempt has failed. Who has connections does
// not wait for more: they may be what he, or another like him, waits for.
blocking_driver::connected blocking_driver::connect(lane& one, command::call& what) {
    const client_config& config = cluster_.config();
    if (one.node == nullptr || cluster_.closed()) {
        one.attempt->fail(code::client, "the client is closed");
        return connected::no;
    }
    const nanos idle_max = from_ms(int64_t{config.idle_timeout_s} * 1000);
    std::optional<cluster::connection> taken = one.node->take_idle(now_, idle_max, config.connections_per_node_min);
    bool slot = !taken && one.node->take_slot(config.connections_per_node_max, cluster::node::holder::threads,
                                              cluster::node::turn::turn);
    if (!taken && !slot) {
        const bool has_others =
            std::ranges::any_of(lanes_, [&](const lane& other) { return &other != &one && other.attempt != nullptr; });
        if (has_others && !planted(planted_bug::waits_holding)) return connected::later;
        const nanos until = planted(planted_bug::deadline_ignored) ? never : what.connect_until(*one.attempt);
        const auto grant =
            one.node->wait_for_connection(config.connections_per_node_max, time_until(until, now_), taken, interrupt_);
        refresh();
        if (grant == cluster::node::grant::interrupted) {
            what.abandon(code::cancelled, "interrupted", now_);
            return connected::no;
        }
        slot = grant == cluster::node::grant::slot;
        if (grant == cluster::node::grant::node_left) {
            one.attempt->fail(code::connection, "the node left the cluster before anything was sent to it");
            return connected::no;
        }
        if (!slot && !taken) {
            one.attempt->fail(code::no_more_connections,
                              "no connection to the node became free: max_conns_per_node is " +
                                  std::to_string(config.connections_per_node_max));
            return connected::no;
        }
    }
    one.counted = true;
    if (taken) {
        one.connection = std::move(*taken);
        return connected::yes;
    }
    one.connecting = true;
    auto started = one.node->start_connect();
    if (!started) {
        one.close();
        one.attempt->fail(started.error().what, std::move(started.error().text));
        return connected::no;
    }
    one.connection.stream = std::move(*started);
    one.connection.opened = now_;
    one.connect_until = now_ + from_ms(config.connect_timeout_ms);
    return connected::yes;
}

void blocking_driver::advance(lane& one, command::call& what, const event& happened) {
    one.next = one.attempt->resume(happened, now_);
    if (one.next.what == action::kind::send)
        send(one, what);
    else if (one.next.what == action::kind::finished)
        finish(one, what);
}

void blocking_driver::send(lane& one, command::call& what) {
    while (one.next.what == action::kind::send) {
        // The mark of the first byte is taken before it: what the kernel does for a send belongs to the round trip.
        if (!one.attempt->sent_any()) refresh();
        const io::io_result done = one.connection.stream.send_some(one.next.output);
        if (done.status == io::io_status::would_block) return;
        if (done.status != io::io_status::ok) {
            advance(one, what, from_io(done));
            return;
        }
        one.next = one.attempt->resume({.what = event::kind::sent, .bytes = done.bytes}, now_);
    }
    if (one.next.what == action::kind::finished) finish(one, what);  // no memory to receive into
}

// All that has arrived: a receive that filled its room may have left something.
void blocking_driver::receive(lane& one, command::call& what, nanos wait) {
    for (bool more = true; more && one.attempt != nullptr && one.next.what == action::kind::receive; wait = 0) {
        const size_t room = one.next.input.size();
        const io::io_result got = wait > 0 ? one.connection.stream.receive_wait(one.next.input, now_ + wait, now_)
                                           : one.connection.stream.receive_some(one.next.input);
        refresh();
        if (got.status == io::io_status::would_block) return;
        // A signal that came between two waits interrupts neither, so each wait that ends with nothing asks.
        if (got.status == io::io_status::interrupted || got.status == io::io_status::timed_out) {
            if (interrupt_ != nullptr && interrupt_->interrupted()) what.abandon(code::cancelled, "interrupted", now_);
            return;
        }
        more = got.bytes == room;
        advance(one, what, from_io(got));
    }
}

void blocking_driver::finish(lane& one, command::call& what) {
    if (one.attempt->session_over()) one.node->session_lost(one.connection.opened, now_);
    if (one.node->adapts() && one.attempt->timed())
        one.node->answered(one.attempt->took(), one.attempt->rows.size(), now_);
    if (one.attempt->connection_reusable()) {
        one.counted = false;
        one.node->give_back(std::move(one.connection), now_);
    } else {
        one.close();
    }
    // The attempt points to its node, which may have left every view by now.
    const std::shared_ptr<cluster::node> kept = std::move(one.node);
    what.finished(std::move(one.attempt), view_, now_);
}

// A call that waits on its own sockets hears of `close` by looking now and then.
nanos blocking_driver::until_next_look(const command::call& what) const noexcept {
    constexpr nanos look_up_after = 100'000'000, look_for_connections_after = 5'000'000;
    nanos at = what.wakeup_at();
    for (const lane& one : lanes_)
        if (one.connecting) at = std::min(at, one.connect_until);
    return std::clamp<nanos>(time_until(at, now_), 1, held_back_.empty() ? look_up_after : look_for_connections_after);
}

void blocking_driver::wait_one(command::call& what) {
    receive(lanes_[0], what, until_next_look(what));
    if (lanes_[0].attempt == nullptr) lanes_.clear();
}

void blocking_driver::wait_many(command::call& what) {
    std::vector<io::poll_entry> entries;
    for (const lane& one : lanes_) {
        const io::stream& on = one.connection.stream;
        const bool sends = one.next.what == action::kind::send;
        entries.push_back({.fd = on.fd(),
                           .interest = one.connecting ? on.awaited()
                                       : sends        ? io::readiness::write
                                                      : io::readiness::read});
    }
    if (what.waits_for_view()) {
        if (!watch_) watch_.emplace(cluster_);
        if (watch_->wake.ok()) entries.push_back({.fd = watch_->wake.fd(), .interest = io::readiness::read});
        if (cluster_.version() != view_->version) return;  // it came before anybody watched
    }
    const int ready = io::poll_many(entries, until_next_look(what));
    refresh();
    if (ready <= 0 && interrupt_ != nullptr && interrupt_->interrupted()) {
        what.abandon(code::cancelled, "interrupted", now_);
        return;
    }
    for (size_t i = 0; ready > 0 && i < lanes_.size(); ++i) {
        lane& one = lanes_[i];
        if (!entries[i].readable && !entries[i].writable) continue;
        if (one.attempt == nullptr || one.attempt->owner() == nullptr) continue;
        if (one.connecting) finish_connect(one, what);
        if (one.attempt == nullptr || one.connecting) continue;
        if (one.next.what == action::kind::send)
            send(one, what);
        else if (one.next.what == action::kind::receive)
            receive(one, what, 0);
    }
    if (watch_ && entries.size() > lanes_.size() && entries.back().readable) watch_->wake.clear();
    give_up_connects(what);
    std::erase_if(lanes_, [](const lane& one) { return one.attempt == nullptr; });
}

void blocking_driver::finish_connect(lane& one, command::call& what) {
    const io::io_result state = one.connection.stream.finish_connect();
    if (state.status == io::io_status::would_block) return;
    connect_over(one);
    if (state.status != io::io_status::ok) {
        error why = one.connection.stream.trouble(state);
        one.attempt->fail(why.what, "cannot connect to the node: " + why.text);
        finish(one, what);
        return;
    }
    one.next = one.attempt->resume({.what = event::kind::start}, now_);
}

void blocking_driver::connect_over(lane& one) {
    one.connecting = false;
    one.node->end_connect();
}

void blocking_driver::give_up_connects(command::call& what) {
    for (size_t i = 0; i < lanes_.size(); ++i) {
        lane& one = lanes_[i];
        if (!one.connecting || one.attempt == nullptr || one.attempt->owner() == nullptr || now_ < one.connect_until)
            continue;
        connect_over(one);
        one.attempt->fail(code::connection, "no connection to the node within the connect timeout");
        finish(one, what);
    }
}

// Attempts that the call no longer waits for. Nobody would read their replies on this thread: the tend thread does.
void blocking_driver::leave_let_go() {
    std::erase_if(lanes_, [&](lane& one) {
        if (one.attempt == nullptr) return true;
        if (one.attempt->owner() != nullptr) return false;
        if (one.node->adapts() && one.attempt->late && one.attempt->sent_any()) one.node->late(now_);
        if (one.attempt->sent_all() && one.attempt->drain_until > now_) {
            auto reply = std::make_unique<late_reply>(std::move(one.attempt), now_);
            one.counted = false;
            cluster_.take_over(std::move(one.node), std::move(one.connection), std::move(reply));
        } else {
            one.close();
        }
        return true;
    });
}

}  // namespace aero::detail
