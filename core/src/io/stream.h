// One TCP connection, spoken over in clear or by TLS. Owns its descriptor; moves, never copies. Used by one thread at a
// time.
//
// What has to happen before a connection may be used (TCP, the TLS handshake, a greeting such as a login) is one thing
// to its user: `finish_connect` is asked until it no longer says would_block. The descriptor itself stays in blocking
// mode once connected: calls that must not wait say so by a flag, and the blocking driver can wait inside `recv`, which
// saves it a poll per call.
#pragma once

#include "base/bytes.h"
#include "base/time.h"
#include "io/endpoint.h"
#include "io/tls_session.h"

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

enum class readiness : uint8_t { read = 1, write = 2, read_write = 3 };

// What is said on a new connection before anybody else may: a request, and the reply to it.
class greeting {
  public:
    virtual ~greeting() = default;
    virtual byte_view output() noexcept = 0;  // what is to be sent now; the same until `received` gives `again`
    virtual byte_span input() = 0;            // where the next bytes belong
    enum class verdict : uint8_t { more, again, done, refused };
    virtual verdict received(size_t bytes) = 0;
    virtual error why() const = 0;  // refused: what was said
};

struct opening {
    std::unique_ptr<tls_session> tls{};
    std::unique_ptr<greeting> words{};
};

class stream {
  public:
    stream() noexcept = default;
    // Every call moves streams about, so what remains of one is to cost nothing.
    stream(stream&& other) noexcept;
    stream& operator=(stream&& other) noexcept;
    ~stream() {
        if (open()) close();
    }

    // Takes over a connected socket, for the accepting side and for tests.
    static stream adopt(int fd, opening how = {});
    // Starts a connect that never waits.
    static result<stream> start_connect(const endpoint& to, opening how = {});
    // ok: ready for use; would_block: ask again when `awaited` is there; otherwise `trouble` says what went wrong.
    io_result finish_connect();
    readiness awaited() const noexcept { return awaited_; }
    error trouble(const io_result& ended) const;

    bool open() const noexcept { return fd_ >= 0; }
    int fd() const noexcept { return fd_; }
    void close() noexcept;

    // Both never wait. A receive that does not fill its room left nothing behind; after one that did, ask again. What
    // could not be sent is to be offered again.
    io_result send_some(byte_view bytes);
    io_result receive_some(byte_span into);
    // Waits inside the kernel until something arrives or it is about `until`; a signal ends it early.
    io_result receive_wait(byte_span into, nanos until, nanos now);

    // Kernel receive time stamps for `receive_some` and `receive_wait`; a no-op where the system has none.
    void ask_timestamps(bool on) noexcept;
    // True when a connection at rest was closed by the peer or holds bytes nobody asked for: such a one is not reused.
    bool stale();
    const tls_session* tls() const noexcept { return extras_ == nullptr ? nullptr : extras_->how.tls.get(); }
    // Bytes have arrived that no readiness of the descriptor will tell of: a receive that filled its room left them.
    bool holds_more() const noexcept { return tls() != nullptr && tls()->holds_more(); }

  private:
    stream(int fd, opening&& how);

    // stream.cc: bytes as they are
    io_result send_raw(byte_view bytes) noexcept;
    io_result receive_raw(byte_span into) noexcept;
    io_result receive_raw_wait(byte_span into, nanos until, nanos now) noexcept;
    io_result receive_once(byte_span into, int flags) noexcept;
    bool set_receive_timeout(nanos timeout) noexcept;
    io_result finish_tcp() noexcept;

    // stream_tls.cc: what TLS and greetings make of them
    tls_session& secure() noexcept { return *extras_->how.tls; }
    io_result finish_opening();
    io_result shake_hands();
    io_result greet();
    io_result waits(readiness for_what) noexcept;
    io_result flush_sealed() noexcept;
    io_result send_sealed(byte_view bytes);
    io_result receive_sealed(byte_span into);
    io_result receive_sealed_wait(byte_span into, nanos until, nanos now);
    io_result open_arrived(byte_span into);
    bool stale_sealed();

    // What a connection in clear, once it is in use, does without: streams are moved at every call.
    struct extras {
        opening how;
        size_t greeted = 0;    // bytes of the greeting that were sent
        size_t unsettled = 0;  // plain bytes that are sealed and not yet all sent
        nanos arrived = 0;     // of the last sealed bytes
    };

    enum class origin : uint8_t { adopted, connecting, connected };

    int fd_ = -1;
    origin origin_ = origin::adopted;  // what is counted when it ends
    bool connected_ = false;           // TCP is
    bool timestamps_ = false;
    readiness awaited_ = readiness::write;
    std::unique_ptr<extras> extras_;  // null: in clear, and nothing has to be said first
    nanos receive_timeout_ = -1;      // what SO_RCVTIMEO holds now, so that it is set only when it changes
    nanos clock_offset_ = 0;          // realtime minus monotonic when time stamps were last read
};

// The text of an errno, thread-safe.
std::string error_text(int error_number);

// Waits until some are ready, at most until `timeout` passes.
struct poll_entry {
    int fd;
    readiness interest;
    bool readable = false;
    bool writable = false;  // errors and hang-ups show as both
};
// Gives the number of ready entries; 0 on timeout or signal.
int poll_many(std::span<poll_entry> entries, nanos timeout) noexcept;

}  // namespace aero::io
