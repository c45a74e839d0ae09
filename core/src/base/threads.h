// Threads and the waits between them: the standard library's, or in the simulator's build fibers of one thread, so that
// whatever waits in the core can be simulated. (Sockets, descriptors and clocks need no seam of their own: the
// simulator takes the place of the system calls.)
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#if defined(AERO_SIMULATED)
#include <cstdint>
#include <functional>
#include <utility>

#include "base/time.h"
#endif

namespace aero {

#if defined(AERO_SIMULATED)

class thread {
  public:
    thread() noexcept = default;
    template <class Function, class... Arguments>
    explicit thread(Function work, Arguments... arguments)
        : id_(start([work, ... held = std::move(arguments)] { std::invoke(work, held...); })) {}
    thread(thread&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
    thread& operator=(thread&& other) noexcept {
        id_ = std::exchange(other.id_, 0);
        return *this;
    }
    bool joinable() const noexcept { return id_ != 0; }
    void join();
    void detach() noexcept { id_ = 0; }

  private:
    static uint32_t start(std::function<void()> work);
    uint32_t id_ = 0;
};

class condition {
  public:
    void notify_one() noexcept;
    template <class Predicate>
    bool wait_for(std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds limit, Predicate ready) {
        const nanos until = monotonic_now() + limit.count();
        while (!ready()) {
            if (monotonic_now() >= until) return false;
            lock.unlock();
            wait_until(until);
            lock.lock();
        }
        return true;
    }

  private:
    void wait_until(nanos until);
    uint32_t waiter_ = 0;  // one at a time is all that the core needs
};

#else

using thread = std::thread;
using condition = std::condition_variable;

#endif

}  // namespace aero
