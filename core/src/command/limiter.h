// At most so many operations of a client at once, whoever makes them: threads and loops queue together, first come
// first served. A limit of 0 lets everything pass and costs one comparison.
//
// Threads: every member from any thread. A waiter belongs to the caller and must be withdrawn before it is destroyed.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>

namespace aero::command {

class limiter {
  public:
    class waiter {
      public:
        // A slot was given. Called with the limiter's lock held, from the thread that freed the slot: only signal here.
        virtual void granted() noexcept = 0;

      protected:
        ~waiter() = default;
    };
    static constexpr size_t waiters_max = 65536;

    explicit limiter(uint32_t limit) noexcept : limit_(limit) {}
    bool limited() const noexcept { return limit_ != 0; }
    uint32_t limit() const noexcept { return limit_; }

    enum class admission : uint8_t { granted, queued, refused };
    // granted: the caller holds a slot. queued: `who` will be told. refused: the queue is full.
    admission enter(waiter& who);
    // Takes `who` out of the queue. False when it was granted before: the slot is the caller's to leave.
    bool withdraw(waiter& who) noexcept;
    void leave() noexcept;  // REQUIRES: a slot is held

  private:
    const uint32_t limit_;
    std::mutex mutex_;
    uint32_t held_ = 0;         // guarded by mutex_
    std::list<waiter*> queue_;  // guarded by mutex_
};

}  // namespace aero::command
