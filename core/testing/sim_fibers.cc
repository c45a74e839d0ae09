#include "testing/sim_fibers.h"

#include <cassert>
#include <cstdlib>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace aero::tests {
namespace {

constexpr size_t stack_size = 512 << 10;

// AddressSanitizer wants to know whose stack it sees.
void before_switch([[maybe_unused]] void** keep, [[maybe_unused]] const void* bottom, [[maybe_unused]] size_t size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(keep, bottom, size);
#endif
}
void after_switch([[maybe_unused]] void* kept, [[maybe_unused]] const void** bottom, [[maybe_unused]] size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(kept, bottom, size);
#endif
}

}  // namespace

sim_fibers::~sim_fibers() = default;

std::unique_ptr<char[]> sim_fibers::take_stack() {
    if (stacks_.empty()) return std::make_unique_for_overwrite<char[]>(stack_size);
    std::unique_ptr<char[]> taken = std::move(stacks_.back());
    stacks_.pop_back();
    return taken;
}

fiber_id sim_fibers::start(std::string name, std::function<void()> work) {
    const fiber_id id = ++last_;
    auto made = std::make_unique<fiber>();
    made->id = id;
    made->name = std::move(name);
    made->work = std::move(work);
    made->stack = take_stack();
    made->asleep = true;
    getcontext(&made->context);
    made->context.uc_stack.ss_sp = made->stack.get();
    made->context.uc_stack.ss_size = stack_size;
    made->context.uc_link = nullptr;
    const auto self = reinterpret_cast<uintptr_t>(this);
    makecontext(&made->context, reinterpret_cast<void (*)()>(&sim_fibers::enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
    fibers_.emplace(id, std::move(made));
    world_.after(world_.between(0, 5'000), [this, id] { resume(id, 0); });
    return id;
}

void sim_fibers::enter(unsigned high, unsigned low) {
    sim_fibers& home = *reinterpret_cast<sim_fibers*>(uintptr_t{high} << 32 | low);
    after_switch(nullptr, &home.outside_stack_, &home.outside_size_);
    fiber& self = *home.current_;
    self.work();
    self.work = nullptr;
    self.done = true;
    home.leave(self);
    std::abort();  // nobody comes back to a fiber that has ended
}

void sim_fibers::resume(fiber_id which, uint64_t sleep) {
    assert(current_ == nullptr);
    const auto found = fibers_.find(which);
    if (found == fibers_.end() || !found->second->asleep || found->second->sleeps != sleep) return;
    fiber& next = *found->second;
    next.asleep = false;
    current_ = &next;
    void* fake = nullptr;
    before_switch(&fake, next.stack.get(), stack_size);
    swapcontext(&outside_, &next.context);
    after_switch(fake, nullptr, nullptr);
    current_ = nullptr;
    if (!next.done) return;
    const fiber_id joiner = next.joiner;
    stacks_.push_back(std::move(next.stack));
    fibers_.erase(found);
    if (joiner != 0) wake(joiner);
}

void sim_fibers::leave(fiber& which) {
    before_switch(which.done ? nullptr : &which.fake_stack, outside_stack_, outside_size_);
    swapcontext(&which.context, &outside_);
    after_switch(which.fake_stack, &outside_stack_, &outside_size_);
}

bool sim_fibers::sleep(nanos until) {
    assert(current_ != nullptr);
    fiber& self = *current_;
    if (std::exchange(self.woken, false)) return true;
    if (until <= world_.now()) return false;
    self.asleep = true;
    const uint64_t number = ++self.sleeps;
    if (until != never) world_.at(until, [this, id = self.id, number] { resume(id, number); });
    leave(self);
    return std::exchange(self.woken, false);
}

void sim_fibers::wake(fiber_id which) {
    const auto found = fibers_.find(which);
    if (found == fibers_.end() || std::exchange(found->second->woken, true)) return;
    if (!found->second->asleep) return;
    world_.after(world_.between(0, 5'000), [this, which, number = found->second->sleeps] { resume(which, number); });
}

void sim_fibers::join(fiber_id which) {
    while (!ended(which)) {
        fibers_.at(which)->joiner = current();
        sleep(never);
    }
}

std::vector<std::string> sim_fibers::waiting() const {
    std::vector<std::string> names;
    for (const auto& [id, each] : fibers_) names.push_back(each->name);
    return names;
}

}  // namespace aero::tests
