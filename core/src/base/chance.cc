#include "base/chance.h"

#include <algorithm>

namespace aero {

namespace {

thread_local uint64_t state = 0;  // 0: not begun

}  // namespace

nanos jitter(nanos longest) noexcept {
    if (state == 0) restart_chance(static_cast<uint64_t>(monotonic_now()) ^ reinterpret_cast<uintptr_t>(&state));
    // splitmix64
    uint64_t drawn = state += 0x9E3779B97F4A7C15u;
    drawn = (drawn ^ (drawn >> 30)) * 0xBF58476D1CE4E5B9u;
    drawn = (drawn ^ (drawn >> 27)) * 0x94D049BB133111EBu;
    drawn ^= drawn >> 31;
    return static_cast<nanos>(drawn % (static_cast<uint64_t>(std::max<nanos>(longest, 0)) + 1));
}

void restart_chance(uint64_t seed) noexcept { state = seed | 1; }

}  // namespace aero
