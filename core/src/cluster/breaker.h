// Whether a node is worth asking first. It opens after failures in a row; while it is open reads go to another replica,
// where there is one, and now and then one of them is let through to see.
//
//     closed ──failures in a row──> open ──its time is over──> one probe ──answered──> closed
//                                    ^──────────longer each time──────────┘ failed
//
// Threads: every member from any thread. While nothing fails an answer costs one relaxed load.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/time.h"

namespace aero::cluster {

class breaker {
  public:
    static constexpr uint32_t failures_to_open = 3;
    static constexpr nanos window = from_ms(10'000);  // in which they come
    static constexpr nanos open_first = from_ms(250);
    static constexpr nanos open_max = from_ms(4'000);

    explicit breaker(bool enabled) noexcept : enabled_(enabled) {}

    bool open() const noexcept { return state_.load(std::memory_order_relaxed) == state::open; }
    // An attempt was answered, whatever was said.
    void answered() noexcept {
        if (state_.load(std::memory_order_relaxed) != state::closed) [[unlikely]]
            close();
    }
    // The connection failed or, when `silent`, the answer did not come in time.
    void failed(bool silent, nanos now) noexcept;
    // The node answered its tender; `again` when it did not the last time. One that accepts connections and leaves
    // calls unanswered must show more than that: at best the next call is let through.
    void tended(bool again, nanos now) noexcept;
    // REQUIRES: open(). True for one caller each time it is due: that one shall ask the node.
    bool admits_probe(nanos now) noexcept;

  private:
    enum class state : uint8_t { closed, troubled, open };
    void close() noexcept;
    void open_for(nanos longest, nanos now) noexcept;

    const bool enabled_;
    std::atomic<state> state_{state::closed};
    std::mutex mutex_;
    // Guarded by mutex_; state_ changes under it too.
    uint32_t failures_ = 0;  // in a row
    nanos first_failure_ = 0;
    nanos open_longest_ = 0;
    nanos probe_at_ = 0;
    bool probing_ = false;
    bool silent_ = false;
};

}  // namespace aero::cluster
