// A world in one thread from one number: a clock that jumps from event to event, and chance that repeats itself.
//
// Everything that happens is an event with a time; events of equal time happen in the order they were asked for.
// Nothing else in the simulation decides anything, so equal seeds give equal runs to the byte.
#pragma once

#include <functional>
#include <queue>
#include <vector>

#include "base/time.h"

namespace aero::tests {

// SplitMix64. Whatever has chances of its own has a stream of its own, so that it keeps them when others are left out.
class sim_random {
  public:
    explicit sim_random(uint64_t seed) noexcept : state_(seed * 0x9E3779B97F4A7C15u + 0x243F6A8885A308D3u) {}

    uint64_t random() noexcept;
    uint64_t below(uint64_t limit) noexcept { return limit == 0 ? 0 : random() % limit; }  // 0 .. limit - 1
    nanos between(nanos low, nanos high) noexcept {
        return low + static_cast<nanos>(below(static_cast<uint64_t>(high - low) + 1));
    }
    bool chance(double probability) noexcept { return static_cast<double>(random() >> 11) * 0x1p-53 < probability; }
    // A number for a further stream, by what it belongs to.
    static uint64_t mix(uint64_t a, uint64_t b) noexcept { return sim_random(a ^ sim_random(b).random()).random(); }

  private:
    uint64_t state_;
};

class sim_world : public sim_random {
  public:
    static constexpr nanos begin = from_ms(1'000'000);

    explicit sim_world(uint64_t seed) noexcept : sim_random(seed), seed_(seed) {}

    uint64_t seed() const noexcept { return seed_; }
    nanos now() const noexcept { return now_; }
    void at(nanos when, std::function<void()> what);
    void after(nanos delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
    // Lets the next event happen. False when there is none until `until`; the clock then stands there.
    bool step(nanos until);
    uint64_t steps_at_this_time() const noexcept { return steps_at_this_time_; }

  private:
    struct event {
        nanos when;
        uint64_t order;
        std::function<void()> what;
    };
    struct later {
        bool operator()(const event& a, const event& b) const noexcept {
            return a.when != b.when ? a.when > b.when : a.order > b.order;
        }
    };
    const uint64_t seed_;
    std::priority_queue<event, std::vector<event>, later> events_;
    nanos now_ = begin;
    uint64_t order_ = 0;
    uint64_t steps_at_this_time_ = 0;
};

}  // namespace aero::tests
