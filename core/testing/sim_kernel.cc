#include "testing/sim_kernel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>

namespace aero::tests {
namespace {

sim_kernel* the_kernel = nullptr;

int failed(int number) noexcept {
    errno = number;
    return -1;
}

std::string text_of(const sockaddr* at) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (at->sa_family == AF_INET) {
        const auto& four = reinterpret_cast<const sockaddr_in&>(*at);
        inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
        return std::string(text.data()) + ":" + std::to_string(ntohs(four.sin_port));
    }
    const auto& six = reinterpret_cast<const sockaddr_in6&>(*at);
    inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(six.sin6_port));
}

}  // namespace

sim_kernel::sim_kernel(sim_world& world, sim_fibers& fibers, sim_network& network)
    : world_(world), fibers_(fibers), network_(network) {
    the_kernel = this;
    network_.set_watcher(this);
}

sim_kernel::~sim_kernel() {
    network_.set_watcher(nullptr);
    the_kernel = nullptr;
}

sim_kernel* sim_kernel::current() noexcept { return the_kernel; }

// ---------------------------------------------------------------- waiting

bool sim_kernel::watches(int waited, int fd) const {
    if (waited == fd) return true;
    const auto found = files_.find(waited);
    return found != files_.end() && found->second.watched.contains(fd);
}

void sim_kernel::changed(int fd) {
    for (const auto& [who, fds] : waiting_)
        if (std::ranges::any_of(fds, [&](int waited) { return watches(waited, fd); })) fibers_.wake(who);
}

bool sim_kernel::wait_on(std::span<const int> fds, nanos until) {
    const fiber_id self = fibers_.current();
    waiting_[self].assign(fds.begin(), fds.end());
    const bool woken = fibers_.sleep(until);
    waiting_.erase(self);
    return woken || world_.now() < until;
}

void sim_kernel::wait_for_any(std::span<pollfd> entries, nanos until) {
    if (poll(entries, 0) > 0) return;
    std::vector<int> fds;
    for (const pollfd& each : entries) fds.push_back(each.fd);
    wait_on(fds, until);
}

void sim_kernel::interrupt(fiber_id which) {
    interrupts_.insert(which);
    if (waiting_.contains(which)) fibers_.wake(which);
}

bool sim_kernel::interrupted() { return interrupts_.erase(fibers_.current()) != 0; }

void sim_kernel::on_change(connection_id id) {
    if (const auto found = fd_of_.find(id); found != fd_of_.end()) changed(found->second);
}

// ---------------------------------------------------------------- files

sim_kernel::file* sim_kernel::find(int fd, const char* use) {
    const auto found = files_.find(fd);
    if (found != files_.end()) return &found->second;
    if (bad_use_.empty()) bad_use_ = std::string(use) + " of descriptor " + std::to_string(fd) + ", which is not open";
    errno = EBADF;
    return nullptr;
}

int sim_kernel::open(file made) {
    int fd = first_fd;
    while (files_.contains(fd)) ++fd;
    files_.emplace(fd, std::move(made));
    return fd;
}

int sim_kernel::close(int fd) {
    const file* gone = find(fd, "close");
    if (gone == nullptr) return -1;
    if (gone->connection != 0) {
        network_.close(gone->connection);
        fd_of_.erase(gone->connection);
    }
    files_.erase(fd);
    for (auto& [other, each] : files_) each.watched.erase(fd);
    return 0;
}

size_t sim_kernel::open_sockets() const {
    size_t count = 0;
    for (const auto& [fd, each] : files_) count += each.what == file::kind::socket ? 1 : 0;
    return count;
}

sim_kernel::state sim_kernel::look(int fd) const {
    const auto found = files_.find(fd);
    if (found == files_.end()) return {};
    const file& at = found->second;
    switch (at.what) {
        case file::kind::event: return {.readable = at.count > 0, .writable = true};
        case file::kind::epoll: {
            const bool any = std::ranges::any_of(at.watched, [&](const auto& each) {
                const state seen = look(each.first);
                return seen.broken || (seen.readable && (each.second.events & EPOLLIN) != 0) ||
                       (seen.writable && (each.second.events & EPOLLOUT) != 0);
            });
            return {.readable = any};
        }
        case file::kind::socket: break;
    }
    if (at.connection == 0) return {.broken = true};
    const sim_network::condition seen = network_.look(at.connection);
    return {.readable = seen.readable, .writable = seen.writable, .broken = seen.broken};
}

int sim_kernel::flags(int fd) {
    const file* at = find(fd, "fcntl");
    return at == nullptr ? -1 : at->flags;
}

int sim_kernel::set_flags(int fd, int flags) {
    file* at = find(fd, "fcntl");
    if (at == nullptr) return -1;
    at->flags = flags;
    return 0;
}

// ---------------------------------------------------------------- sockets

int sim_kernel::socket() {
    if (world_.chance(short_of_descriptors_)) return failed(EMFILE);
    return open({.what = file::kind::socket, .flags = O_NONBLOCK});
}

int sim_kernel::connect(int fd, const sockaddr* to) {
    file* at = find(fd, "connect");
    if (at == nullptr) return -1;
    if (world_.chance(unreachable_)) return failed(ENETUNREACH);
    at->address = text_of(to);
    std::memcpy(&at->peer, to, to->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    at->connection = network_.connect(at->address);
    fd_of_[at->connection] = fd;
    return failed(EINPROGRESS);
}

int sim_kernel::peer_name(int fd, sockaddr* into, socklen_t* size) {
    const file* at = find(fd, "getpeername");
    if (at == nullptr) return -1;
    if (at->connection == 0 || !network_.look(at->connection).connected) return failed(ENOTCONN);
    const socklen_t length = at->peer.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(into, &at->peer, std::min(*size, length));
    *size = length;
    return 0;
}

int sim_kernel::own_name(int fd, sockaddr* into, socklen_t* size) {
    if (find(fd, "getsockname") == nullptr) return -1;
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(static_cast<uint16_t>(40000 + (fd - first_fd)));
    std::memcpy(into, &own, std::min<size_t>(*size, sizeof own));
    *size = sizeof own;
    return 0;
}

int sim_kernel::socket_error(int fd, int& number) {
    const file* at = find(fd, "getsockopt");
    if (at == nullptr) return -1;
    number = at->connection == 0 ? ENOTCONN : network_.take_error(at->connection);
    return 0;
}

int sim_kernel::set_receive_timeout(int fd, nanos limit) {
    file* at = find(fd, "setsockopt");
    if (at == nullptr) return -1;
    at->receive_timeout = limit;
    return 0;
}

int sim_kernel::set_time_stamps(int fd, bool on) {
    file* at = find(fd, "setsockopt");
    if (at == nullptr) return -1;
    at->stamps = on;
    return 0;
}

ssize_t sim_kernel::send(int fd, byte_view bytes, int flags) {
    const file* at = find(fd, "send");
    if (at == nullptr) return -1;
    if ((flags & MSG_DONTWAIT) == 0 && bad_use_.empty()) bad_use_ = "a send that may wait";
    if (at->connection == 0 || !network_.look(at->connection).connected) return failed(ENOTCONN);
    const io::io_result done = network_.send(at->connection, bytes);
    if (done.status == io::io_status::ok) return static_cast<ssize_t>(done.bytes);
    return failed(done.status == io::io_status::would_block ? EAGAIN : done.error_number);
}

ssize_t sim_kernel::receive(int fd, byte_span into, int flags, nanos* stamp) {
    file* at = find(fd, "recv");
    if (at == nullptr) return -1;
    if (at->connection == 0) return failed(ENOTCONN);
    const bool waits = (flags & MSG_DONTWAIT) == 0 && (at->flags & O_NONBLOCK) == 0;
    const nanos until = at->receive_timeout == 0 ? never : world_.now() + at->receive_timeout;
    for (;;) {
        const io::io_result got = network_.receive(at->connection, into, (flags & MSG_PEEK) != 0);
        if (got.status == io::io_status::ok) {
            if (stamp != nullptr && at->stamps) *stamp = got.arrived + wall_offset_;
            return static_cast<ssize_t>(got.bytes);
        }
        if (got.status == io::io_status::closed) return 0;
        if (got.status == io::io_status::failed) return failed(got.error_number);
        if (!waits) return failed(EAGAIN);
        if (interrupted()) return failed(EINTR);
        if (!wait_on({&fd, 1}, until)) return failed(EAGAIN);
        if ((at = find(fd, "recv")) == nullptr) return -1;
    }
}

// ---------------------------------------------------------------- many at once

int sim_kernel::poll(std::span<pollfd> entries, nanos timeout) {
    const nanos until = until_of(timeout);
    std::vector<int> fds;
    for (const pollfd& each : entries) fds.push_back(each.fd);
    for (;;) {
        int ready = 0;
        for (pollfd& each : entries) {
            const state seen = look(each.fd);
            int events = 0;
            if (!files_.contains(each.fd)) events = POLLNVAL;
            if (seen.readable && (each.events & POLLIN) != 0) events |= POLLIN;
            if (seen.writable && (each.events & POLLOUT) != 0) events |= POLLOUT;
            if (seen.broken) events |= POLLERR | POLLHUP;
            each.revents = static_cast<short>(events);
            ready += events != 0 ? 1 : 0;
        }
        if (ready > 0 || timeout == 0) return ready;
        if (interrupted()) return failed(EINTR);
        if (!wait_on(fds, until)) return 0;
    }
}

int sim_kernel::epoll_create() { return open({.what = file::kind::epoll}); }

int sim_kernel::epoll_control(int epoll, int operation, int fd, const epoll_event* event) {
    file* at = find(epoll, "epoll_ctl");
    if (at == nullptr || find(fd, "epoll_ctl") == nullptr) return -1;
    const bool there = at->watched.contains(fd);
    if (operation == EPOLL_CTL_ADD && there) return failed(EEXIST);
    if (operation != EPOLL_CTL_ADD && !there) return failed(ENOENT);
    if (operation == EPOLL_CTL_DEL)
        at->watched.erase(fd);
    else
        at->watched[fd] = *event;
    changed(epoll);
    return 0;
}

int sim_kernel::epoll_wait(int epoll, std::span<epoll_event> into, nanos timeout) {
    const nanos until = until_of(timeout);
    for (;;) {
        const file* at = find(epoll, "epoll_wait");
        if (at == nullptr) return -1;
        std::vector<epoll_event> ready;
        for (const auto& [fd, wanted] : at->watched) {
            const state seen = look(fd);
            epoll_event one{.events = 0, .data = wanted.data};
            if (seen.readable) one.events |= wanted.events & EPOLLIN;
            if (seen.writable) one.events |= wanted.events & EPOLLOUT;
            if (seen.broken) one.events |= EPOLLERR | EPOLLHUP;
            if (one.events != 0) ready.push_back(one);
        }
        if (!ready.empty()) {
            std::ranges::rotate(ready, ready.begin() + static_cast<ptrdiff_t>(world_.below(ready.size())));
            const size_t count = std::min(ready.size(), into.size());
            std::copy_n(ready.begin(), count, into.begin());
            return static_cast<int>(count);
        }
        if (timeout == 0) return 0;
        if (interrupted()) return failed(EINTR);
        if (!wait_on({&epoll, 1}, until)) return 0;
    }
}

// ---------------------------------------------------------------- wake-ups and names

int sim_kernel::event_create() { return open({.what = file::kind::event}); }

ssize_t sim_kernel::event_write(int fd, uint64_t count) {
    file* at = find(fd, "write");
    if (at == nullptr) return -1;
    at->count += count;
    changed(fd);
    return sizeof count;
}

ssize_t sim_kernel::event_read(int fd, uint64_t& count) {
    file* at = find(fd, "read");
    if (at == nullptr) return -1;
    if (at->count == 0) return failed(EAGAIN);
    count = std::exchange(at->count, 0);
    return sizeof count;
}

std::vector<std::string> sim_kernel::look_up(const std::string& name) {
    const nanos until = world_.now() + world_.between(0, lookup_max_);
    while (world_.now() < until) fibers_.sleep(until);
    const auto found = names_.find(name);
    return found == names_.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace aero::tests
