// One TCP connection. Owns its descriptor; moves, never copies. Used by one thread at a time.
//
// The descriptor itself stays in blocking mode once connected: calls that must not wait say so by a flag, and the
// blocking driver can wait inside `recv`, which saves it a poll per call.
#pragma once

#include "base/bytes.h"
#include "base/time.h"
#include "io/endpoint.h"

namespace aero::io {

enum class io_status : uint8_t {
    ok,           // `bytes` were moved
    would_block,  // nothing now; wait for readiness
    timed_out,    // receive_wait only: nothing within the given time
    interrupted,  // receive_wait only: a signal arrived
    closed,       // the peer ended the stream
    failed,       // `error_number` says how
};

struct io_result {
    io_status status = io_status::ok;
    size_t bytes = 0;
    int error_number = 0;
    nanos arrived = 0;  // kernel receive time on the monotonic clock; 0 where unknown or not asked for
};

class stream {
  public:
    stream() noexcept = default;
    stream(stream&& other) noexcept;
    stream& operator=(stream&& other) noexcept;
    ~stream();

    // Takes over a connected socket, for the accepting side and for tests.
    static stream adopt(int fd) noexcept { return stream(fd); }
    // Starts a connect that never waits. Writability of `fd()` tells that `finish_connect` may be asked.
    static result<stream> start_connect(const endpoint& to);
    // ok: connected; would_block: not yet; failed: refused or unreachable.
    io_result finish_connect() noexcept;

    bool open() const noexcept { return fd_ >= 0; }
    int fd() const noexcept { return fd_; }
    void close() noexcept;

    io_result send_some(byte_view bytes) noexcept;    // never waits
    io_result receive_some(byte_span into) noexcept;  // never waits
    // Waits inside the kernel until something arrives, at most about `timeout`; a signal ends it early.
    io_result receive_wait(byte_span into, nanos timeout) noexcept;

    // Kernel receive time stamps for `receive_some` and `receive_wait`; a no-op where the system has none.
    void ask_timestamps(bool on) noexcept;
    // True when a connection at rest was closed by the peer or holds bytes nobody asked for: such a one is not reused.
    bool stale() const noexcept;

  private:
    io_result receive(byte_span into, int flags) noexcept;
    bool set_receive_timeout(nanos timeout) noexcept;

    explicit stream(int fd) noexcept : fd_(fd) {}

    enum class origin : uint8_t { adopted, connecting, connected };

    int fd_ = -1;
    origin origin_ = origin::adopted;  // what is counted when it ends
    bool timestamps_ = false;
    nanos receive_timeout_ = -1;  // what SO_RCVTIMEO holds now, so that it is set only when it changes
    nanos clock_offset_ = 0;      // realtime minus monotonic when time stamps were last read
};

// The text of an errno, thread-safe.
std::string error_text(int error_number);

// Waits until `fd` is readable or writable, at most until `timeout` passes. Gives would_block on timeout.
enum class readiness : uint8_t { read = 1, write = 2, read_write = 3 };
struct poll_entry {
    int fd;
    readiness interest;
    bool readable = false;
    bool writable = false;  // errors and hang-ups show as both
};
// Gives the number of ready entries; 0 on timeout or signal.
int poll_many(std::span<poll_entry> entries, nanos timeout) noexcept;

}  // namespace aero::io
