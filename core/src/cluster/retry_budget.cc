#include "cluster/retry_budget.h"

#include <algorithm>

#include "base/planted.h"
#include "cluster/view.h"

namespace aero::cluster {

bool retry_budget::spend(const view& seen, size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    int64_t sent = 0;
    for (const auto& each : seen.nodes) sent += static_cast<int64_t>(each->take_load());
    left_ = std::max(left_, std::min(left_ + sent / share, kept_max));
    if (left_ <= 0) return false;
    left_ -= static_cast<int64_t>(bytes);
    return true;
}

}  // namespace aero::cluster
