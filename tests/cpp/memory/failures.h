// Memory that runs out when a test says so: `operator new`, the buffers of the core (realloc) and
// zlib's own, of this program. And what it holds when it is given back.
//
// One test at a time switches it on; what fails may be on any thread that the mode names. Nothing is owned.
#pragma once

#include <cstdint>
#include <string_view>

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

// Looks through memory that is given back, by any thread, for bytes that nobody may leave there. One at a time.
class freed_memory_watch {
  public:
    explicit freed_memory_watch(std::string_view unwanted) noexcept;  // outlives it
    ~freed_memory_watch();
    freed_memory_watch(const freed_memory_watch&) = delete;
    freed_memory_watch& operator=(const freed_memory_watch&) = delete;

    uint64_t found() const noexcept;  // blocks that had them

  private:
    const std::string_view unwanted_;
};

// What a test makes for itself while it starves this thread; that is not looked through either.
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
