// Memory that runs out when a test says so: `operator new`, the buffers of the core (realloc) and
// zlib's own, of this program.
//
// One test at a time switches it on; what fails may be on any thread that the mode names. Nothing is owned.
#pragma once

#include <cstdint>

namespace aero::test {

enum class victims : uint8_t { this_thread, other_threads };

// From its start to its end the `nth` allocation (from 1) of those threads fails, and `run - 1` more after it.
class memory_failure {
  public:
    memory_failure(victims whose, uint64_t nth, uint64_t run = 1) noexcept;
    ~memory_failure() { stop(); }
    memory_failure(const memory_failure&) = delete;
    memory_failure& operator=(const memory_failure&) = delete;

    // Ends it; true when an allocation has failed.
    bool stop() noexcept;
};

// What a test makes for itself while it starves this thread.
class memory_at_ease {
  public:
    memory_at_ease() noexcept;
    ~memory_at_ease();
    memory_at_ease(const memory_at_ease&) = delete;
    memory_at_ease& operator=(const memory_at_ease&) = delete;

  private:
    const bool starved_;
};
template <class T>
T copy_of(const T& from) {
    const memory_at_ease now;
    return from;
}

}  // namespace aero::test
