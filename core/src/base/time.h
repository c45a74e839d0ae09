// Time as the machines of the core see it: a number handed to them. Only drivers read a clock.
#pragma once

#include <cstdint>
#include <ctime>
#include <limits>

namespace aero {

// Nanoseconds of the monotonic clock.
using nanos = int64_t;

inline constexpr nanos never = std::numeric_limits<nanos>::max();

constexpr nanos from_ms(int64_t ms) noexcept { return ms * 1'000'000; }
// Rounds up: a poll of 0 ms for 0.4 ms of remaining time would spin.
constexpr int64_t to_ms_ceil(nanos time) noexcept { return time <= 0 ? 0 : (time + 999'999) / 1'000'000; }

// Called by drivers only.
inline nanos monotonic_now() noexcept {
    timespec at{};
    clock_gettime(CLOCK_MONOTONIC, &at);
    return static_cast<nanos>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace aero
