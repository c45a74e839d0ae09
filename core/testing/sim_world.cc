#include "testing/sim_world.h"

#include <algorithm>
#include <utility>

namespace aero::tests {

uint64_t sim_random::random() noexcept {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

void sim_world::at(nanos when, std::function<void()> what) {
    events_.push({std::max(when, now_), order_++, std::move(what)});
}

bool sim_world::step(nanos until) {
    if (events_.empty() || events_.top().when > until) {
        now_ = std::max(now_, until);
        return false;
    }
    // The queue gives out its top for reading only; it is taken off right after, so nothing else sees it moved from.
    event next = std::move(const_cast<event&>(events_.top()));
    events_.pop();
    steps_at_this_time_ = next.when == now_ ? steps_at_this_time_ + 1 : 0;
    now_ = next.when;
    next.what();
    return true;
}

}  // namespace aero::tests
