// Threads of the simulated world: fibers of one real thread, switched only where they wait.
//
// Every fiber runs inside an event of the world until it sleeps; whoever is woken goes on in an event of its own, a
// little later and in an order that chance decides. Waking is remembered, so that it may come before the sleep.
#pragma once

#include <ucontext.h>

#include <map>
#include <memory>
#include <string>

#include "testing/sim_world.h"

namespace aero::tests {

using fiber_id = uint32_t;

class sim_fibers {
  public:
    explicit sim_fibers(sim_world& world) noexcept : world_(world) {}
    ~sim_fibers();
    sim_fibers(const sim_fibers&) = delete;
    sim_fibers& operator=(const sim_fibers&) = delete;

    fiber_id start(std::string name, std::function<void()> work);
    fiber_id current() const noexcept { return current_ == nullptr ? 0 : current_->id; }
    std::string name() const { return current_ == nullptr ? "nobody" : current_->name; }
    bool ended(fiber_id which) const { return !fibers_.contains(which); }
    std::vector<std::string> waiting() const;  // names of those that have not ended

    // REQUIRES: called by a fiber. False when the time has come without anyone waking it.
    bool sleep(nanos until);
    void wake(fiber_id which);
    void join(fiber_id which);  // REQUIRES: called by a fiber

  private:
    struct fiber {
        fiber_id id = 0;
        std::string name;
        std::function<void()> work;
        std::unique_ptr<char[]> stack;
        ucontext_t context{};
        void* fake_stack = nullptr;  // AddressSanitizer's
        uint64_t sleeps = 0;         // counts them, so that a late alarm wakes nobody
        bool asleep = false, woken = false, done = false;
        fiber_id joiner = 0;
    };
    void resume(fiber_id which, uint64_t sleep);
    void leave(fiber& which);
    static void enter(unsigned high, unsigned low);
    std::unique_ptr<char[]> take_stack();

    sim_world& world_;
    std::map<fiber_id, std::unique_ptr<fiber>> fibers_;
    std::vector<std::unique_ptr<char[]>> stacks_;  // of fibers that ended
    fiber* current_ = nullptr;
    ucontext_t outside_{};
    const void* outside_stack_ = nullptr;
    size_t outside_size_ = 0;
    fiber_id last_ = 0;
};

}  // namespace aero::tests
