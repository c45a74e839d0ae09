#include "cluster/node.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "aero/client.h"
#include "base/no_memory.h"
#include "base/planted.h"
#include "metrics/counters.h"

namespace aero::cluster {

namespace {

constexpr nanos rest_trusted = 5'000'000;

// Whoever waits for a connection looks up this often: no signal wakes it.
constexpr nanos look_up_after = 50'000'000;

}  // namespace

void node::deactivate() noexcept {
    {
        const std::lock_guard lock(mutex_);
        active_.store(false, std::memory_order_relaxed);
        for (waiter* each : waiters_) {
            each->left = true;
            each->wake.notify_one();
        }
        waiters_.clear();
        waiting_.store(0, std::memory_order_release);
    }
    if (!planted(planted_bug::connection_leaked)) close_resting();
}

void node::close_resting() noexcept {
    std::vector<connection> closing;
    {
        const std::lock_guard lock(mutex_);
        closing.swap(idle_);
    }
    for (size_t i = 0; i < closing.size(); ++i) drop_slot();
}

// Of many connections that hear it the first one counts: the others were opened before, and a login is on its way.
void node::session_lost(nanos opened, nanos now) noexcept {
    if (security_ == nullptr || !security_->logs_in() || !trusts(opened)) return;
    trusted_since_.store(now + 1, std::memory_order_relaxed);
    session_->lost();
    close_resting();
}

result<io::stream> node::start_connect() const noexcept {
    return detail::within_memory([&] {
        return security_ == nullptr ? io::stream::start_connect(address_)
                                    : security_->connect(address_, session_, security::purpose::calls);
    });
}

bool node::take_slot(uint32_t max, holder who, turn with) noexcept {
    const uint32_t one = who == holder::threads ? 1 : 0;
    const bool bounded = with == turn::turn && !planted(planted_bug::connects_unlimited);
    const uint32_t connecting = bounded ? connecting_most() : UINT32_MAX;
    slots seen = slots_.load(std::memory_order_seq_cst);
    // With what rests, so that all that are open may be at work.
    const uint32_t of_threads_most =
        who == holder::threads && with != turn::none ? busy_most_.load(std::memory_order_relaxed) : UINT32_MAX;
    while ((seen.all < max || seen.of_threads < one) && seen.connecting < connecting &&
           seen.of_threads < of_threads_most) {
        slots more = seen;
        ++more.all;
        if (one != 0) ++more.of_threads;
        if (with != turn::none) ++more.connecting;
        if (slots_.compare_exchange_weak(seen, more, std::memory_order_seq_cst)) return true;
    }
    return false;
}

bool node::holds_connects(uint32_t max) const noexcept {
    const slots seen = slots_.load(std::memory_order_relaxed);
    return seen.all < max && seen.connecting >= connecting_most();
}

// Counts first and looks for waiters after; a waiter stands in line first and looks at the count after. One of the two
// sees the other, so no slot stays free while somebody waits for it.
void node::drop_slot(holder who) noexcept {
    slots seen = slots_.load(std::memory_order_seq_cst), fewer;
    do {
        fewer = seen;
        --fewer.all;
        if (who == holder::threads) --fewer.of_threads;
    } while (!slots_.compare_exchange_weak(seen, fewer, std::memory_order_seq_cst));
    serve_waiters();
}

void node::end_connect() noexcept {
    slots seen = slots_.load(std::memory_order_seq_cst), fewer;
    do {
        fewer = seen;
        --fewer.connecting;
    } while (!slots_.compare_exchange_weak(seen, fewer, std::memory_order_seq_cst));
    serve_waiters();
}

void node::serve_waiters() noexcept {
    if (waiting_.load(std::memory_order_seq_cst) == 0) return;
    const std::lock_guard lock(mutex_);
    while (!waiters_.empty() && serve_first()) {}
}

// REQUIRES: mutex_ is held, and somebody waits
bool node::serve_first() noexcept {
    waiter* first = waiters_.front();
    if (!idle_.empty()) {  // of a node whose limit has kept it there
        if (busy() >= busy_most_.load(std::memory_order_relaxed)) return false;
        first->given = std::move(idle_.back());
        idle_.pop_back();
    } else {
        if (!take_slot(first->max, holder::threads, turn::turn)) return false;
        first->slot = true;
    }
    waiters_.pop_front();
    waiting_.fetch_sub(1, std::memory_order_seq_cst);
    first->wake.notify_one();
    return true;
}

// REQUIRES: mutex_ is held
uint32_t node::busy() const noexcept {
    const uint32_t all = slots_.load(std::memory_order_seq_cst).of_threads;
    return all - std::min(all, static_cast<uint32_t>(idle_.size()));
}

void node::answered(nanos took, size_t rows, nanos now) noexcept {
    const std::lock_guard lock(mutex_);
    adapted_->answered(took, rows, busy(), now);
    busy_most_.store(adapted_->value(), std::memory_order_seq_cst);
}

void node::late(nanos now) noexcept {
    const std::lock_guard lock(mutex_);
    adapted_->late(now);
    busy_most_.store(adapted_->value(), std::memory_order_seq_cst);
}

node::grant node::wait_for_connection(uint32_t max, nanos timeout, std::optional<connection>& given,
                                      interrupt_hook* interrupt) {
    std::unique_lock lock(mutex_);
    if (!idle_.empty() && waiters_.empty() && busy() < busy_most_.load(std::memory_order_relaxed)) {
        given = std::move(idle_.back());
        idle_.pop_back();
        return grant::connection;
    }
    if (waiters_.size() >= waiters_max) {
        metrics::count(metrics::event::queue_overflow);
        return grant::queue_full;
    }
    if (!active_.load(std::memory_order_relaxed)) return grant::node_left;
    metrics::count(metrics::event::call_queued);
    if (holds_connects(max)) metrics::count(metrics::event::connect_held);
    waiter me;
    me.max = max;
    waiters_.push_back(&me);
    waiting_.fetch_add(1, std::memory_order_seq_cst);
    // A slot that was dropped just before we stood in line woke nobody.
    if (waiters_.size() == 1) serve_first();
    const auto called = [&me] { return me.given.has_value() || me.slot || me.left; };
    bool interrupted = false;
    for (nanos left = timeout; left > 0 && !interrupted; left -= look_up_after) {
        const std::chrono::nanoseconds stretch(interrupt == nullptr ? left : std::min(left, look_up_after));
        if (me.wake.wait_for(lock, stretch, called) || interrupt == nullptr) break;
        lock.unlock();  // the hook may take locks of its own
        interrupted = interrupt->interrupted();
        lock.lock();
    }
    if (!called()) {
        waiters_.remove(&me);
        waiting_.fetch_sub(1, std::memory_order_release);
    }
    if (interrupted) {
        lock.unlock();
        if (me.given)
            give_back(std::move(*me.given), me.given->last_used);
        else if (me.slot) {
            drop_slot();
            end_connect();
        }
        return grant::interrupted;
    }
    given = std::move(me.given);
    return given ? grant::connection : me.slot ? grant::slot : me.left ? grant::node_left : grant::timed_out;
}

std::optional<connection> node::take_idle(nanos now, nanos idle_max, uint32_t kept) {
    for (;;) {
        std::optional<connection> taken;
        {
            const std::lock_guard lock(mutex_);
            if (idle_.empty() || (adapted_ != nullptr && busy() >= adapted_->value())) return std::nullopt;
            taken = std::move(idle_.back());
            idle_.pop_back();
        }
        const nanos rested = now - taken->last_used;
        // Asking the kernel costs a system call, so a connection used a moment ago is taken at its word.
        const bool fresh = rested <= idle_max || connections() <= kept;
        if (fresh && (rested < rest_trusted || !taken->stream.stale())) return taken;
        taken.reset();
        drop_slot();
    }
}

void node::give_back(connection&& back, nanos now) noexcept {
    back.last_used = now;
    {
        const std::lock_guard lock(mutex_);
        // Asked under the lock: after `deactivate` nothing may come to rest here, nor what knows a session that is
        // over.
        if (active_.load(std::memory_order_relaxed) && trusts(back.opened)) {
            try {
                idle_.push_back(std::move(back));
                while (!waiters_.empty() && serve_first()) {}
                return;
            } catch (const std::bad_alloc&) {}  // there is no place to keep it at
        }
    }
    back.stream.close();
    drop_slot();
}

void node::trim_idle(nanos now, nanos idle_max, uint32_t kept) {
    std::vector<connection> closing;
    const auto take_out = [&](auto first, auto last) {
        closing.insert(closing.end(), std::make_move_iterator(first), std::make_move_iterator(last));
        idle_.erase(first, last);
    };
    {
        const std::lock_guard lock(mutex_);
        closing.reserve(idle_.size());  // before anything is taken out
        // What the peer has closed is no warm connection. Without any to keep it is found when it is taken.
        for (size_t i = kept > 0 ? idle_.size() : 0; i-- > 0;) {
            const auto at = idle_.begin() + static_cast<ptrdiff_t>(i);
            if (at->stream.stale()) take_out(at, at + 1);
        }
        // The pool is used last in first out, so its first ones rest longest.
        const size_t open = connections() - closing.size();
        const size_t surplus = std::min(open > kept ? open - kept : 0, idle_.size());
        const auto fresh = std::find_if(idle_.begin(), idle_.begin() + static_cast<ptrdiff_t>(surplus),
                                        [&](const connection& at) { return now - at.last_used <= idle_max; });
        take_out(idle_.begin(), fresh);
    }
    for (size_t i = 0; i < closing.size(); ++i) drop_slot();
}

void node::abandon_after_fork() noexcept {
    active_.store(false, std::memory_order_relaxed);
    // A thread of the parent may have held the lock at the fork; then the list may be half changed and stays as it is.
    if (!mutex_.try_lock()) return;
    idle_.clear();
    mutex_.unlock();
}

}  // namespace aero::cluster
