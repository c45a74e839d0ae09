#include "io/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "metrics/counters.h"

namespace aero::io {
namespace {

#ifdef MSG_NOSIGNAL
constexpr int no_signal = MSG_NOSIGNAL;
#else
constexpr int no_signal = 0;  // SO_NOSIGPIPE is set on the socket instead
#endif

// The kernel counts SO_RCVTIMEO in ticks of up to 10 ms and rounds up, so the end of a wait is left to ppoll.
constexpr nanos coarse_wait_min = from_ms(40);
constexpr nanos coarse_wait_slack = from_ms(20);
constexpr nanos coarse_wait_max = from_ms(3'600'000);

bool set_option(int fd, int level, int name, int value) noexcept {
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

void set_connection_options(int fd) noexcept {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
#endif
#ifdef TCP_KEEPINTVL
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 60);
#endif
#ifdef TCP_KEEPCNT
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
#endif
#ifdef SO_NOSIGPIPE
    set_option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

int open_socket(int family) noexcept {
#ifdef SOCK_NONBLOCK
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
    const int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0) return fd;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
#endif
}

// A connect to a free port of this machine may be given that very port as its own and so meet itself.
bool connected_to_itself(int fd, const sockaddr_storage& peer, socklen_t peer_size) noexcept {
    sockaddr_storage own{};
    socklen_t own_size = sizeof own;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) return false;
    return own_size == peer_size && std::memcmp(&own, &peer, own_size) == 0;
}

bool is_would_block(int number) noexcept { return number == EAGAIN || number == EWOULDBLOCK; }

io_result failure(int number) noexcept { return {.status = io_status::failed, .error_number = number}; }

int wait_ready(pollfd* entries, nfds_t count, nanos timeout) noexcept {
#ifdef __linux__
    timespec limit{};
    limit.tv_sec = static_cast<time_t>(timeout / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(timeout % 1'000'000'000);
    return ppoll(entries, count, timeout == never ? nullptr : &limit, nullptr);
#else
    return poll(entries, count,
                timeout == never ? -1 : static_cast<int>(std::min<int64_t>(to_ms_ceil(timeout), 1 << 30)));
#endif
}

#ifdef SO_TIMESTAMPNS
nanos to_nanos(const timespec& at) noexcept { return static_cast<nanos>(at.tv_sec) * 1'000'000'000 + at.tv_nsec; }

struct clock_pair {
    nanos monotonic;
    nanos offset;  // realtime minus monotonic
};

// Reads both clocks close together; a thread that is put to sleep between the readings tries again.
clock_pair read_clocks() noexcept {
    constexpr nanos apart_max = 20'000;
    clock_pair pair{};
    for (int attempt = 0; attempt < 3; ++attempt) {
        const nanos before = monotonic_now();
        timespec real{};
        clock_gettime(CLOCK_REALTIME, &real);
        pair.monotonic = monotonic_now();
        pair.offset = to_nanos(real) - pair.monotonic;
        if (pair.monotonic - before < apart_max) break;
    }
    return pair;
}

// The kernel's stamp on the monotonic clock, or 0 when it cannot be trusted.
nanos arrival_of(msghdr& message, nanos& known_offset) noexcept {
    constexpr nanos step_max = 100'000;
    for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_TIMESTAMPNS) continue;
        timespec stamp{};
        std::memcpy(&stamp, CMSG_DATA(at), sizeof stamp);
        const clock_pair now = read_clocks();
        const nanos step = now.offset - std::exchange(known_offset, now.offset);
        if (step > step_max || step < -step_max) return 0;  // somebody set the wall clock
        const nanos arrived = to_nanos(stamp) - now.offset;
        return arrived > now.monotonic || arrived <= 0 ? 0 : arrived;
    }
    return 0;
}
#endif

}  // namespace

stream::stream(int fd, opening&& how) : stream() {
    fd_ = fd;  // closed from here on, whatever fails
    if (how.tls == nullptr && how.words == nullptr) return;
    extras_ = std::make_unique<extras>();
    extras_->how = std::move(how);
}

stream::stream(stream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      origin_(other.origin_),
      connected_(other.connected_),
      timestamps_(other.timestamps_),
      awaited_(other.awaited_),
      extras_(std::move(other.extras_)),
      receive_timeout_(other.receive_timeout_),
      clock_offset_(other.clock_offset_) {}

stream& stream::operator=(stream&& other) noexcept {
    if (this == &other) return *this;
    close();
    fd_ = std::exchange(other.fd_, -1);
    origin_ = other.origin_;
    connected_ = other.connected_;
    timestamps_ = other.timestamps_;
    awaited_ = other.awaited_;
    extras_ = std::move(other.extras_);
    receive_timeout_ = other.receive_timeout_;
    clock_offset_ = other.clock_offset_;
    return *this;
}

void stream::close() noexcept {
    if (fd_ < 0) return;
    if (origin_ == origin::connecting) metrics::count(metrics::event::connection_failed);
    if (origin_ == origin::connected) metrics::count(metrics::event::connection_closed);
    ::close(std::exchange(fd_, -1));
}

stream stream::adopt(int fd, opening how) {
    stream made(fd, std::move(how));
    made.connected_ = true;
    made.awaited_ = readiness::read;
    return made;
}

result<stream> stream::start_connect(const endpoint& to, opening how) {
    const int fd = open_socket(to.address.ss_family);
    if (fd < 0) return fail(code::connection, "no socket for " + to.text() + ": " + error_text(errno));
    stream started(fd, std::move(how));
    started.origin_ = origin::connecting;
    set_connection_options(fd);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to.address), to.address_size) == 0) return started;
    if (errno == EINPROGRESS || errno == EINTR) return started;
    return fail(code::connection, "cannot connect to " + to.text() + ": " + error_text(errno));
}

io_result stream::finish_connect() {
    if (!connected_) {
        const io_result state = finish_tcp();
        if (state.status != io_status::ok) return state;
        connected_ = true;
    }
    return extras_ == nullptr ? io_result{} : finish_opening();
}

io_result stream::finish_tcp() noexcept {
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    if (getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) {
        int number = 0;
        socklen_t size = sizeof number;
        if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
        if (number == 0) return {.status = io_status::would_block};
        return failure(number);
    }
    if (connected_to_itself(fd_, peer, peer_size)) return failure(ECONNREFUSED);
    const int flags = fcntl(fd_, F_GETFL);
    if (flags < 0 || fcntl(fd_, F_SETFL, flags & ~O_NONBLOCK) != 0) return failure(errno);
    if (std::exchange(origin_, origin::connected) == origin::connecting)
        metrics::count(metrics::event::connection_opened);
    return {};
}

io_result stream::send_some(byte_view bytes) {
    if (extras_ != nullptr && extras_->how.tls != nullptr) [[unlikely]]
        return send_sealed(bytes);
    return send_raw(bytes);
}

io_result stream::receive_some(byte_span into) {
    if (extras_ != nullptr && extras_->how.tls != nullptr) [[unlikely]]
        return receive_sealed(into);
    return receive_raw(into);
}

io_result stream::receive_wait(byte_span into, nanos until, nanos now) {
    if (extras_ != nullptr && extras_->how.tls != nullptr) [[unlikely]]
        return receive_sealed_wait(into, until, now);
    return receive_raw_wait(into, until, now);
}

io_result stream::send_raw(byte_view bytes) noexcept {
    for (;;) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | no_signal);
        if (sent >= 0) return {.bytes = static_cast<size_t>(sent)};
        if (errno == EINTR) continue;
        if (is_would_block(errno)) return {.status = io_status::would_block};
        if (errno == EPIPE) return {.status = io_status::closed, .error_number = EPIPE};
        return failure(errno);
    }
}

io_result stream::receive_raw(byte_span into) noexcept {
    for (;;) {
        const io_result got = receive_once(into, MSG_DONTWAIT);
        if (got.status != io_status::interrupted) return got;
    }
}

io_result stream::receive_once(byte_span into, int flags) noexcept {
    io_result got;
    ssize_t count = 0;
#ifdef SO_TIMESTAMPNS
    if (timestamps_) {
        iovec part{into.data(), into.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        count = recvmsg(fd_, &message, flags);
        if (count > 0) got.arrived = arrival_of(message, clock_offset_);
    } else
#endif
    {
        count = recv(fd_, into.data(), into.size(), flags);
    }
    if (count > 0) {
        got.bytes = static_cast<size_t>(count);
        return got;
    }
    if (count == 0) return {.status = into.empty() ? io_status::ok : io_status::closed};
    if (errno == EINTR) return {.status = io_status::interrupted};
    if (is_would_block(errno)) return {.status = io_status::would_block};
    return failure(errno);
}

bool stream::set_receive_timeout(nanos timeout) noexcept {
    timeval limit{};
    limit.tv_sec = static_cast<time_t>(timeout / 1'000'000'000);
    limit.tv_usec = static_cast<suseconds_t>(timeout % 1'000'000'000 / 1000);
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) return false;
    receive_timeout_ = timeout;
    return true;
}

// Long waits rest in recv itself under a time limit that is kept from call to call: any limit between 3/4 and all of
// what may be waited will do, so calls of equal timeout rarely set it. What remains after that, and short waits, use
// ppoll.
io_result stream::receive_raw_wait(byte_span into, nanos until, nanos now) noexcept {
    nanos left = until == never ? never : until - now;
    while (left >= coarse_wait_min) {
        const nanos longest = std::min(left - coarse_wait_slack, coarse_wait_max);
        if (receive_timeout_ > longest || receive_timeout_ < longest / 4 * 3) {
            if (!set_receive_timeout(longest)) return failure(errno);
        }
        const io_result got = receive_once(into, 0);
        if (got.status != io_status::would_block) return got;
        if (until != never) left = until - monotonic_now();
    }
    if (left > 0) {
        pollfd entry{fd_, POLLIN, 0};
        const int ready = wait_ready(&entry, 1, left);
        if (ready < 0 && errno == EINTR) return {.status = io_status::interrupted};
        if (ready < 0) return failure(errno);
    }
    io_result got = receive_raw(into);
    if (got.status == io_status::would_block) got.status = io_status::timed_out;
    return got;
}

void stream::ask_timestamps(bool on) noexcept {
#ifdef SO_TIMESTAMPNS
    if (on == timestamps_ || !set_option(fd_, SOL_SOCKET, SO_TIMESTAMPNS, on ? 1 : 0)) return;
    timestamps_ = on;
    if (on) clock_offset_ = read_clocks().offset;
#else
    static_cast<void>(on);
#endif
}

bool stream::stale() {
    if (tls() != nullptr) return stale_sealed();
    uint8_t byte = 0;
    const ssize_t count = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count >= 0 || !is_would_block(errno);
}

namespace {

// strerror_r comes in two forms; the overload that fits is chosen by what the system's returns.
[[maybe_unused]] const char* message_of(int, const char* buffer) noexcept { return buffer; }
[[maybe_unused]] const char* message_of(const char* text, const char*) noexcept { return text; }

}  // namespace

std::string error_text(int error_number) {
    std::array<char, 256> buffer{};
    return message_of(strerror_r(error_number, buffer.data(), buffer.size()), buffer.data());
}

int poll_many(std::span<poll_entry> entries, nanos timeout) noexcept {
    constexpr size_t few = 64;
    std::array<pollfd, few> some;
    std::vector<pollfd> many;
    pollfd* all = some.data();
    if (entries.size() > few) {
        many.resize(entries.size());
        all = many.data();
    }
    for (size_t i = 0; i < entries.size(); ++i) {
        const auto interest = static_cast<unsigned>(entries[i].interest);
        const int wanted = ((interest & 1) != 0 ? POLLIN : 0) | ((interest & 2) != 0 ? POLLOUT : 0);
        all[i] = {entries[i].fd, static_cast<short>(wanted), 0};
    }
    const int ready = wait_ready(all, entries.size(), std::max<nanos>(timeout, 0));
    for (size_t i = 0; i < entries.size(); ++i) {
        const int seen = ready > 0 ? all[i].revents : 0;
        const bool broken = (seen & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        entries[i].readable = broken || (seen & POLLIN) != 0;
        entries[i].writable = broken || (seen & POLLOUT) != 0;
    }
    return std::max(ready, 0);
}

}  // namespace aero::io
