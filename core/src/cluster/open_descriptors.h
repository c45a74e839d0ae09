// The descriptors of one thread's sockets, so that a forked child can close its copies whatever that thread was doing.
//
// Threads: all. A descriptor is noted after it was opened and forgotten before it is closed.
#pragma once

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace aero::cluster {

class open_descriptors {
  public:
    static constexpr size_t count_max = 1024;  // what does not fit is closed by exec only

    open_descriptors() noexcept {
        for (std::atomic<int>& each : held_) each.store(-1, std::memory_order_relaxed);
    }
    size_t note(int fd) noexcept {  // gives its place
        for (size_t i = 0; i < held_.size(); ++i) {
            int none = -1;
            if (held_[i].load(std::memory_order_relaxed) < 0 &&
                held_[i].compare_exchange_strong(none, fd, std::memory_order_relaxed))
                return i;
        }
        return held_.size();
    }
    void forget(size_t place) noexcept {
        if (place < held_.size()) held_[place].store(-1, std::memory_order_relaxed);
    }
    void close_all() noexcept {
        for (std::atomic<int>& each : held_) {
            if (const int fd = each.exchange(-1, std::memory_order_relaxed); fd >= 0) ::close(fd);
        }
    }

  private:
    std::array<std::atomic<int>, count_max> held_;
};

}  // namespace aero::cluster
