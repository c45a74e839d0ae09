#include "command/limiter.h"

#include <algorithm>
#include <cassert>

namespace aero::command {

limiter::admission limiter::enter(waiter& who) {
    if (limit_ == 0) return admission::granted;
    const std::lock_guard lock(mutex_);
    if (held_ < limit_ && queue_.empty()) {
        ++held_;
        return admission::granted;
    }
    if (queue_.size() >= waiters_max) return admission::refused;
    queue_.push_back(&who);
    return admission::queued;
}

bool limiter::withdraw(waiter& who) noexcept {
    const std::lock_guard lock(mutex_);
    const auto at = std::find(queue_.begin(), queue_.end(), &who);
    if (at == queue_.end()) return false;
    queue_.erase(at);
    return true;
}

void limiter::leave() noexcept {
    if (limit_ == 0) return;
    const std::lock_guard lock(mutex_);
    assert(held_ > 0);
    if (queue_.empty()) {
        --held_;
        return;
    }
    waiter* next = queue_.front();  // the slot passes on
    queue_.pop_front();
    next->granted();
}

}  // namespace aero::command
