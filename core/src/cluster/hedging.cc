#include "cluster/hedging.h"

#include <algorithm>

#include "base/planted.h"
#include "metrics/counters.h"

namespace aero::cluster {

namespace {

// The larger, the sooner the delay follows a change, and the less it rests when there is none.
constexpr double step = 0.125;

}  // namespace

hedging::hedging(const hedge_config& set) noexcept
    : share_(static_cast<int64_t>(set.share * whole)),
      shorter_(set.percentile == 0 ? 1 : 1 - step * (1 - set.percentile / 100)),
      longer_(set.percentile == 0 ? 1 : 1 + step * set.percentile / 100),
      delay_(set.percentile == 0 ? from_ms(set.after_ms) : delay_first) {}

void hedging::read_begins(size_t records) noexcept {
    const auto count = static_cast<int64_t>(records);
    if (budget_.load(std::memory_order_relaxed) < count * saved_max * whole)
        budget_.fetch_add(count * share_, std::memory_order_relaxed);
}

void hedging::observe(bool in_time) noexcept {
    const double factor = in_time ? shorter_ : longer_;
    if (factor == 1) return;  // a delay that was given stays
    const double next = static_cast<double>(delay()) * factor;
    delay_.store(std::clamp(static_cast<nanos>(next), delay_min, delay_max), std::memory_order_relaxed);
}

bool hedging::admit(size_t records) noexcept {
    const int64_t price = static_cast<int64_t>(records) * whole;
    int64_t held = budget_.load(std::memory_order_relaxed);
    do {
        if (held < price && !planted(planted_bug::hedges_unlimited)) {
            metrics::count(metrics::event::hedge_refused, records);
            return false;
        }
    } while (!budget_.compare_exchange_weak(held, held - price, std::memory_order_relaxed));
    metrics::count(metrics::event::hedge_sent, records);
    return true;
}

}  // namespace aero::cluster
