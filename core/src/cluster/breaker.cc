#include "cluster/breaker.h"

#include <algorithm>

#include "base/chance.h"
#include "base/planted.h"
#include "metrics/counters.h"

namespace aero::cluster {

void breaker::failed(bool silent, nanos now) noexcept {
    if (!enabled_) return;
    const std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_relaxed) == state::open) {
        silent_ |= silent;
        // What was under way when it opened fails too, and says nothing new.
        if (probing_) open_for(std::min(2 * open_longest_, open_max), now);
        return;
    }
    if (failures_ == 0 || now - first_failure_ > window) {
        failures_ = 0;
        first_failure_ = now;
        silent_ = false;
    }
    silent_ |= silent;
    state_.store(state::troubled, std::memory_order_relaxed);
    if (++failures_ < failures_to_open) return;
    metrics::count(metrics::event::breaker_opened);
    state_.store(state::open, std::memory_order_relaxed);
    open_for(open_first, now);
}

void breaker::open_for(nanos longest, nanos now) noexcept {
    open_longest_ = longest;
    probe_at_ = now + jitter(longest);
    probing_ = false;
}

void breaker::close() noexcept {
    if (planted(planted_bug::breaker_stuck)) return;
    const std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_relaxed) == state::open) metrics::count(metrics::event::breaker_closed);
    state_.store(state::closed, std::memory_order_relaxed);
    failures_ = 0;
    probing_ = silent_ = false;
}

void breaker::tended(bool again, nanos now) noexcept {
    if (state_.load(std::memory_order_relaxed) == state::closed) return;
    {
        const std::lock_guard lock(mutex_);
        if (silent_) {
            if (again) probe_at_ = now;
            return;
        }
    }
    close();
}

bool breaker::admits_probe(nanos now) noexcept {
    const std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_relaxed) != state::open || now < probe_at_) return false;
    // A probe that never ends (its call is cancelled) is followed by another.
    probe_at_ = now + open_longest_;
    probing_ = true;
    metrics::count(metrics::event::breaker_probed);
    return true;
}

}  // namespace aero::cluster
