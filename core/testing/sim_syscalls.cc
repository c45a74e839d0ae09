// Where the linker leads the system calls of everything in the simulator's executable (`--wrap`): to the simulated
// kernel for its descriptors while there is one, to the system otherwise. Threads and waits of the core come here too.
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "base/planted.h"
#include "base/threads.h"
#include "io/endpoint.h"
#include "testing/sim_kernel.h"
#include "testing/sim_planted.h"

using aero::nanos;
using aero::tests::sim_kernel;

namespace {

sim_kernel* of(int fd) noexcept { return fd >= sim_kernel::first_fd ? sim_kernel::current() : nullptr; }
sim_kernel& here() noexcept { return *sim_kernel::current(); }

nanos to_nanos(const timespec* at) noexcept {
    return at == nullptr ? aero::never : static_cast<nanos>(at->tv_sec) * 1'000'000'000 + at->tv_nsec;
}

timespec to_timespec(nanos at) noexcept {
    timespec made{};
    made.tv_sec = static_cast<time_t>(at / 1'000'000'000);
    made.tv_nsec = static_cast<long>(at % 1'000'000'000);
    return made;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker makes these names
extern "C" {

int __real_clock_gettime(clockid_t which, timespec* into);
int __real_close(int fd);
int __real_fcntl(int fd, int command, ...);
ssize_t __real_read(int fd, void* into, size_t size);
ssize_t __real_write(int fd, const void* from, size_t size);
int __real_poll(pollfd* entries, nfds_t count, int timeout_ms);
int __real_ppoll(pollfd* entries, nfds_t count, const timespec* timeout, const sigset_t* mask);

int __wrap_clock_gettime(clockid_t which, timespec* into) {
    if (sim_kernel::current() == nullptr) return __real_clock_gettime(which, into);
    *into = to_timespec(which == CLOCK_REALTIME ? here().wall() : here().monotonic());
    return 0;
}

// Of OpenSSL, whose calls no linker leads elsewhere. It is the same in every process before a run begins.
[[gnu::visibility("default")]] time_t time(time_t* into) noexcept {
    const nanos now = sim_kernel::current() == nullptr ? sim_kernel::wall_begin : here().wall();
    const auto seconds = static_cast<time_t>(now / 1'000'000'000);
    if (into != nullptr) *into = seconds;
    return seconds;
}

int __wrap_socket(int, int, int) { return here().socket(); }
int __wrap_connect(int fd, const sockaddr* to, socklen_t) { return here().connect(fd, to); }
int __wrap_getpeername(int fd, sockaddr* into, socklen_t* size) { return here().peer_name(fd, into, size); }
int __wrap_getsockname(int fd, sockaddr* into, socklen_t* size) { return here().own_name(fd, into, size); }

int __wrap_getsockopt(int fd, int, int, void* into, socklen_t*) {
    int number = 0;
    const int done = here().socket_error(fd, number);
    std::memcpy(into, &number, sizeof number);
    return done;
}

int __wrap_setsockopt(int fd, int level, int name, const void* from, socklen_t) {
    if (level != SOL_SOCKET) return here().flags(fd) < 0 ? -1 : 0;
    if (name == SO_RCVTIMEO) {
        timeval limit{};
        std::memcpy(&limit, from, sizeof limit);
        return here().set_receive_timeout(fd, static_cast<nanos>(limit.tv_sec) * 1'000'000'000 + limit.tv_usec * 1000);
    }
    if (name == SO_TIMESTAMPNS) {
        int on = 0;
        std::memcpy(&on, from, sizeof on);
        return here().set_time_stamps(fd, on != 0);
    }
    return here().flags(fd) < 0 ? -1 : 0;
}

int __wrap_fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    const long value = va_arg(rest, long);
    va_end(rest);
    if (of(fd) == nullptr) return __real_fcntl(fd, command, value);
    if (command == F_GETFL) return here().flags(fd);
    return command == F_SETFL ? here().set_flags(fd, static_cast<int>(value)) : 0;
}

ssize_t __wrap_send(int fd, const void* from, size_t size, int flags) {
    return here().send(fd, {static_cast<const uint8_t*>(from), size}, flags);
}

ssize_t __wrap_recv(int fd, void* into, size_t size, int flags) {
    return here().receive(fd, {static_cast<uint8_t*>(into), size}, flags, nullptr);
}

ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
    nanos stamp = 0;
    const iovec& part = *message->msg_iov;
    const ssize_t got = here().receive(fd, {static_cast<uint8_t*>(part.iov_base), part.iov_len}, flags, &stamp);
    if (got <= 0 || stamp == 0) {
        message->msg_controllen = 0;
        return got;
    }
    cmsghdr* control = CMSG_FIRSTHDR(message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SO_TIMESTAMPNS;
    control->cmsg_len = CMSG_LEN(sizeof(timespec));
    const timespec at = to_timespec(stamp);
    std::memcpy(CMSG_DATA(control), &at, sizeof at);
    return got;
}

int __wrap_close(int fd) { return of(fd) == nullptr ? __real_close(fd) : here().close(fd); }

int __wrap_ppoll(pollfd* entries, nfds_t count, const timespec* timeout, const sigset_t* mask) {
    if (sim_kernel::current() == nullptr) return __real_ppoll(entries, count, timeout, mask);
    return here().poll({entries, count}, to_nanos(timeout));
}

int __wrap_poll(pollfd* entries, nfds_t count, int timeout_ms) {
    if (sim_kernel::current() == nullptr) return __real_poll(entries, count, timeout_ms);
    return here().poll({entries, count}, timeout_ms < 0 ? aero::never : aero::from_ms(timeout_ms));
}

int __wrap_epoll_create1(int) { return here().epoll_create(); }
int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
    return here().epoll_control(epoll, operation, fd, event);
}
int __wrap_epoll_wait(int epoll, epoll_event* into, int room, int timeout_ms) {
    return here().epoll_wait(epoll, {into, static_cast<size_t>(room)},
                             timeout_ms < 0 ? aero::never : aero::from_ms(timeout_ms));
}

int __wrap_eventfd(unsigned, int) { return here().event_create(); }

// The wake-up of the build without epoll. Both ends are one descriptor here, which its owner closes once.
int __wrap_pipe(int* ends) {
    ends[0] = ends[1] = here().event_create();
    return 0;
}

ssize_t __wrap_read(int fd, void* into, size_t size) {
    if (of(fd) == nullptr) return __real_read(fd, into, size);
    uint64_t count = 0;
    const ssize_t got = here().event_read(fd, count);
    if (got > 0) std::memcpy(into, &count, sizeof count);
    return got;
}

ssize_t __wrap_write(int fd, const void* from, size_t size) {
    if (of(fd) == nullptr) return __real_write(fd, from, size);
    return here().event_write(fd, 1);
}

int __wrap_getaddrinfo(const char* name, const char*, const addrinfo*, addrinfo** into) {
    addrinfo* first = nullptr;
    addrinfo** next = &first;
    for (const std::string& address : here().look_up(name)) {
        const auto at = aero::io::numeric_endpoint(address, 0);
        auto* made = new addrinfo{};
        auto* kept = new sockaddr_storage(at->address);
        made->ai_family = kept->ss_family;
        made->ai_addr = reinterpret_cast<sockaddr*>(kept);
        made->ai_addrlen = at->address_size;
        *next = made;
        next = &made->ai_next;
    }
    *into = first;
    return first == nullptr ? EAI_NONAME : 0;
}

void __wrap_freeaddrinfo(addrinfo* list) {
    while (list != nullptr) {
        const addrinfo* done = std::exchange(list, list->ai_next);
        delete reinterpret_cast<sockaddr_storage*>(done->ai_addr);
        delete done;
    }
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

namespace aero {

uint32_t thread::start(std::function<void()> work) {
    return here().fibers().start("a thread of the core", std::move(work));
}

void thread::join() { here().fibers().join(std::exchange(id_, 0)); }

void condition::wait_until(nanos until) {
    waiter_ = here().fibers().current();
    here().fibers().sleep(until);
    waiter_ = 0;
}

void condition::notify_one() noexcept {
    if (waiter_ != 0) here().fibers().wake(waiter_);
}

namespace tests {
planted_bug planted_now = planted_bug::none;
}
bool planted(planted_bug which) noexcept { return tests::planted_now == which; }

}  // namespace aero
