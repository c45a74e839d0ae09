#include "cluster/concurrency_limit.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/chance.h"
#include "base/planted.h"
#include "metrics/counters.h"

namespace aero::cluster {

concurrency_limit::concurrency_limit(uint32_t most) noexcept
    : most_(std::max(most, 1u)), value_(std::min(first, most_)) {
    begin_probe();
}

void concurrency_limit::begin_probe() noexcept {
    resumed_ = std::exchange(value_, planted(planted_bug::limit_starves) ? 0 : std::min(least, most_));
    probe_ = 2;  // in the first of them what began before it is answered
}

void concurrency_limit::answered(nanos took, size_t rows, uint32_t busy, nanos now) noexcept {
    if (samples_ == 0 && !late_) window_began_ = now;
    ++samples_;
    size& of = sizes_[std::min<size_t>(static_cast<size_t>(std::bit_width(rows)), sizes_.size() - 1)];
    of.sum += took;
    ++of.answers;
    reached_ |= busy >= value_;
    if (samples_ >= samples_min && now - window_began_ >= window) end_window(now);
}

void concurrency_limit::late(nanos now) noexcept {
    if (samples_ == 0 && !late_) window_began_ = now;
    late_ = true;
    if (now - window_began_ >= window) end_window(now);
}

void concurrency_limit::end_window(nanos now) noexcept {
    const bool counts = samples_ >= samples_min;
    if (probe_ > 1) {
        --probe_;
    } else if (probe_ == 1 && counts) {
        probe_ = 0;
        for (size& each : sizes_) each.measure = never;
        value_ = resumed_;
        probe_at_ = now + probe_pause + jitter(probe_pause);
    } else if (probe_ == 0) {
        adapt(late_ || answers_slow());
        if (now >= probe_at_) begin_probe();
    }
    for (size& each : sizes_) {
        if (probe_ == 0 && each.answers > 0 && each.measure == never) each.measure = each.sum / each.answers;
        each.sum = 0;
        each.answers = 0;
    }
    samples_ = 0;
    reached_ = late_ = false;
}

// Against what as many requests of the same sizes took at the last probe.
bool concurrency_limit::answers_slow() const noexcept {
    nanos took = 0, allowed = 0;
    for (const size& each : sizes_) {
        if (each.measure == never) continue;
        took += each.sum;
        allowed += (2 * each.measure + slack) * each.answers;
    }
    return took > allowed;
}

void concurrency_limit::adapt(bool slow) noexcept {
    const uint32_t before = value_;
    if (slow)
        value_ = std::max(value_ - std::max(value_ / 5, 1u), std::min(least, most_));
    else if (reached_)
        value_ = std::min(value_ + std::max(value_ / 8, 1u), most_);
    if (value_ < before) metrics::count(metrics::event::concurrency_lowered);
    if (value_ > before) metrics::count(metrics::event::concurrency_raised);
}

}  // namespace aero::cluster
