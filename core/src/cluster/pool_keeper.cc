#include "cluster/pool_keeper.h"

#include <algorithm>

#include "metrics/counters.h"

namespace aero::cluster {

namespace {

void* tag_of(uintptr_t id) noexcept { return reinterpret_cast<void*>(id); }

}  // namespace

void pool_keeper::take_over(std::shared_ptr<node> of, connection&& on, std::unique_ptr<leftover> reply) noexcept {
    const nanos until = reply->until();
    entry made{0, std::move(of), std::move(on), std::move(reply), until, open_descriptors::count_max};
    try {
        const std::lock_guard lock(mutex_);
        if (!closed_ && leftovers_ < leftovers_max) {
            handed_over_.push_back(std::move(made));
            handed_over_.back().place = open_->note(handed_over_.back().on.stream.fd());
            ++leftovers_;
            return;
        }
    } catch (const std::bad_alloc&) {}  // like too many of them
    close(made);
}

void pool_keeper::keep(const view& seen, nanos now) {
    const nanos idle_max = from_ms(int64_t{config_.idle_timeout_s} * 1000);
    const uint32_t least = std::min(config_.connections_per_node_min, config_.connections_per_node_max);
    for (const auto& each : seen.nodes) {
        each->trim_idle(now, idle_max, least);
        while (each->active() && each->connections() < least && connects_ < connects_max) {
            if (!each->take_slot(least)) break;
            const size_t before = connects_;
            start_connect(each, now);
            if (connects_ == before) break;  // refused on the spot: a later round tries again
        }
    }
}

void pool_keeper::start_connect(const std::shared_ptr<node>& to, nanos now) {
    auto started = to->start_connect();
    if (!started) return to->drop_slot();
    const size_t place = open_->note(started->fd());
    ++connects_;
    watch({0,
           to,
           {.stream = std::move(*started), .opened = now},
           nullptr,
           now + from_ms(config_.connect_timeout_ms),
           place},
          io::readiness::write);
}

void pool_keeper::close(entry& which) noexcept {
    open_->forget(which.place);
    which.on.stream.close();
    which.of->drop_slot();
}

// Without memory for one more it is closed.
void pool_keeper::watch(entry&& made, io::readiness interest) noexcept {
    made.id = ++last_id_;
    try {
        entries_.push_back(std::move(made));
    } catch (const std::bad_alloc&) {
        uncount(made);
        return close(made);
    }
    const place_of here = std::prev(entries_.end());
    if (!reactor_->add(here->on.stream.fd(), interest, tag_of(here->id))) drop(here);
}

void pool_keeper::ready(const io::ready_event& event, nanos now) {
    const auto id = reinterpret_cast<uintptr_t>(event.tag);
    const auto which = std::ranges::find(entries_, id, &entry::id);
    if (which == entries_.end()) return;  // ended by what came before it
    if (which->reply != nullptr) return read(which, now);
    const io::io_result state = which->on.stream.finish_connect();
    if (state.status == io::io_status::would_block) {
        reactor_->modify(which->on.stream.fd(), which->on.stream.awaited(), tag_of(id));
        return;
    }
    if (state.status == io::io_status::ok)
        give_back(which, now);
    else
        drop(which);
}

// To the end of what has arrived: a receive that did not fill its room left nothing behind.
void pool_keeper::read(const place_of& which, nanos now) {
    for (;;) {
        const byte_span room = which->reply->room();
        const io::io_result got = which->on.stream.receive_some(room);
        if (got.status == io::io_status::would_block) return;
        if (got.status != io::io_status::ok) return drop(which);
        switch (which->reply->received(got.bytes, now)) {
            case leftover::progress::more:
                if (got.bytes < room.size()) return;
                break;
            case leftover::progress::broken: return drop(which);
            case leftover::progress::complete:
                metrics::count(metrics::event::reply_discarded);
                return give_back(which, now);
        }
    }
}

void pool_keeper::tick(nanos now) {
    std::deque<entry> fresh;
    {
        const std::lock_guard lock(mutex_);
        fresh.swap(handed_over_);
    }
    for (entry& each : fresh) watch(std::move(each), io::readiness::read);
    for (size_t i = entries_.size(); i-- > 0;) {
        if (entries_[i].until <= now) drop(entries_.begin() + static_cast<ptrdiff_t>(i));
    }
}

nanos pool_keeper::next_deadline() const noexcept {
    nanos next = never;
    for (const entry& each : entries_) next = std::min(next, each.until);
    return next;
}

void pool_keeper::uncount(const entry& which) noexcept {
    if (which.reply == nullptr) {
        --connects_;
    } else {
        const std::lock_guard lock(mutex_);
        --leftovers_;
    }
}

connection pool_keeper::release(const place_of& which) noexcept {
    reactor_->remove(which->on.stream.fd());
    open_->forget(which->place);
    uncount(*which);
    connection freed = std::move(which->on);
    entries_.erase(which);
    return freed;
}

void pool_keeper::give_back(const place_of& which, nanos now) {
    const std::shared_ptr<node> to = which->of;
    to->give_back(release(which), now);
}

void pool_keeper::drop(const place_of& which) noexcept {
    const std::shared_ptr<node> from = which->of;
    release(which).stream.close();
    from->drop_slot();
}

void pool_keeper::close() noexcept {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        for (entry& each : handed_over_) close(each);
        leftovers_ -= handed_over_.size();
        handed_over_.clear();
    }
    while (!entries_.empty()) drop(entries_.begin());
}

}  // namespace aero::cluster
