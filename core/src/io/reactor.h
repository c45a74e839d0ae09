// Watches many descriptors and tells which are ready: epoll where there is one, poll elsewhere.
//
// One thread at a time. `fd()` can be watched by a foreign loop (nested) and is -1 when the poll build is used.
#pragma once

#include <memory>
#include <span>

#include "base/time.h"
#include "io/stream.h"

namespace aero::io {

struct ready_event {
    void* tag;
    bool readable;
    bool writable;  // errors and hang-ups show as both
};

class reactor {
  public:
    reactor();
    ~reactor();
    reactor(const reactor&) = delete;
    reactor& operator=(const reactor&) = delete;

    bool ok() const noexcept;
    int fd() const noexcept;
    bool add(int fd, readiness interest, void* tag) noexcept;
    bool modify(int fd, readiness interest, void* tag) noexcept;
    void remove(int fd) noexcept;
    // Fills `into` with what is ready, waiting at most `timeout` (0: not at all). Gives how many.
    size_t wait(std::span<ready_event> into, nanos timeout) noexcept;
    // Closes the descriptor and forgets everything without touching the kernel's interest list: for a forked child.
    void abandon() noexcept;
    // The descriptors watched now, for loops that must watch each themselves (poll build).
    std::span<const poll_entry> watched() const noexcept;

  private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace aero::io
