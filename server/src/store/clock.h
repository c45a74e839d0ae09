// The server's wall clock, counted from 2010-01-01T00:00:00Z as records count it. Tests move it on; it never goes back.
// Safe from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>

#include "wire/protocol.h"

namespace aero_server {

class server_clock {
  public:
    uint64_t now_ms() const noexcept {
        timespec at{};
        clock_gettime(CLOCK_REALTIME, &at);
        const int64_t unix_ms = static_cast<int64_t>(at.tv_sec) * 1000 + at.tv_nsec / 1'000'000;
        return static_cast<uint64_t>(unix_ms - int64_t{aero::wire::epoch_offset_s} * 1000) +
               ahead_ms_.load(std::memory_order_relaxed);
    }
    uint32_t now_s() const noexcept { return static_cast<uint32_t>(now_ms() / 1000); }
    void advance_ms(uint64_t by) noexcept { ahead_ms_.fetch_add(by, std::memory_order_relaxed); }

  private:
    std::atomic<uint64_t> ahead_ms_{0};
};

}  // namespace aero_server
