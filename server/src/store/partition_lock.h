// The lock of one partition. There are thousands, held for a microsecond and hardly ever contended, so the lock is a
// byte and taking it one exchange; who finds it taken gives up the processor until it is free.
#pragma once

#include <sched.h>

#include <atomic>

namespace aero_server {

class partition_lock {
  public:
    void lock() noexcept {
        for (unsigned tries = 0; taken_.exchange(true, std::memory_order_acquire); ++tries)
            while (taken_.load(std::memory_order_relaxed))
                if (++tries > spins_max) sched_yield();
    }
    void unlock() noexcept { taken_.store(false, std::memory_order_release); }

  private:
    static constexpr unsigned spins_max = 32;

    std::atomic<bool> taken_{false};
};

}  // namespace aero_server
