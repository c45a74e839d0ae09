#include "net/exchange.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/socket.h"

namespace aero_server {

namespace {

constexpr size_t size_bytes = 4;

bool wait_for(int fd, short what, aero::nanos deadline) {
    while (true) {
        const aero::nanos left = deadline - aero::monotonic_now();
        if (left <= 0) return false;
        pollfd watched{fd, what, 0};
        const int ready = poll(&watched, 1, static_cast<int>(aero::to_ms_ceil(left)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

bool send_all(int fd, const uint8_t* at, size_t left, aero::nanos deadline) {
    while (left != 0) {
        const ssize_t sent = send(fd, at, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            left -= static_cast<size_t>(sent);
        } else if (errno != EAGAIN && errno != EINTR) {
            return false;
        } else if (!wait_for(fd, POLLOUT, deadline)) {
            return false;
        }
    }
    return true;
}

bool receive_all(int fd, uint8_t* to, size_t left, aero::nanos deadline) {
    while (left != 0) {
        if (!wait_for(fd, POLLIN, deadline)) return false;
        const ssize_t got = recv(fd, to, left, MSG_DONTWAIT);
        if (got > 0) {
            to += got;
            left -= static_cast<size_t>(got);
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            return false;
        }
    }
    return true;
}

}  // namespace

int connect_until(const std::string& host, uint16_t port, aero::nanos deadline) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0) return -1;
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool connected = false;
    if (fd >= 0) {
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connected = connect(fd, found->ai_addr, found->ai_addrlen) == 0;
        if (!connected && errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline)) {
            int failed = 1;
            socklen_t size = sizeof failed;
            connected = getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 && failed == 0;
        }
    }
    freeaddrinfo(found);
    if (connected) return fd;
    close_socket(fd);
    return -1;
}

bool is_spent(int fd) {
    uint8_t byte = 0;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

bool send_parcel(int fd, aero::byte_view bytes, aero::nanos deadline) {
    aero::buffer whole(size_bytes + bytes.size());
    whole.append_be(static_cast<uint32_t>(bytes.size()));
    whole.append(bytes);
    return send_all(fd, whole.data(), whole.size(), deadline);
}

bool receive_parcel(int fd, aero::buffer& to, aero::nanos deadline) {
    uint8_t head[size_bytes];
    if (!receive_all(fd, head, sizeof head, deadline)) return false;
    const size_t size = aero::load_be<uint32_t>(head);
    if (size > parcel_size_max) return false;
    to.clear();
    if (!receive_all(fd, to.room(size), size, deadline)) return false;
    to.commit(size);
    return true;
}

bool wait_readable(int fd, aero::nanos deadline) { return wait_for(fd, POLLIN, deadline); }

}  // namespace aero_server
