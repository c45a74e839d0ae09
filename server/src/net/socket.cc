#include "net/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace aero_server {

namespace {

constexpr unsigned descriptor_wait_us = 1000;

void prepare(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

uint16_t port_of(int fd) {
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) return 0;
    if (at.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&at)->sin6_port);
    return ntohs(reinterpret_cast<sockaddr_in*>(&at)->sin_port);
}

}  // namespace

ip_address peer_address(int fd) {
    ip_address made{};
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) return made;
    if (at.ss_family == AF_INET6) {
        std::memcpy(made.data(), &reinterpret_cast<sockaddr_in6*>(&at)->sin6_addr, made.size());
    } else {
        made[10] = made[11] = 0xFF;
        std::memcpy(made.data() + 12, &reinterpret_cast<sockaddr_in*>(&at)->sin_addr, 4);
    }
    return made;
}

bound_socket bind_socket(const std::string& host, uint16_t port) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found); failed != 0)
        return {-1, 0, host + ": " + gai_strerror(failed)};
    bound_socket made;
    const int fd = socket(found->ai_family, SOCK_STREAM, 0);
    const int on = 1;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
        made.problem = host + ":" + std::to_string(port) + ": " + std::strerror(errno);
        if (fd >= 0) close(fd);
    } else {
        prepare(fd);
        made.fd = fd;
        made.port = port_of(fd);
    }
    freeaddrinfo(found);
    return made;
}

bool start_listening(int fd) { return listen(fd, 1024) == 0; }

int accept_connection(int listening) {
    const int fd = accept(listening, nullptr, nullptr);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) usleep(descriptor_wait_us);
        return -1;
    }
    prepare(fd);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void end_socket(int fd) {
    if (fd >= 0) shutdown(fd, SHUT_RDWR);
}

void close_socket(int fd) {
    end_socket(fd);
    if (fd >= 0) close(fd);
}

wake_pipe::wake_pipe() {
    if (pipe(ends_) != 0) return;
    prepare(ends_[0]);
    prepare(ends_[1]);
}
wake_pipe::~wake_pipe() {
    for (const int fd : ends_)
        if (fd >= 0) close(fd);
}
void wake_pipe::wake() const noexcept {
    // A full pipe wakes as well.
    [[maybe_unused]] const ssize_t written = write(ends_[1], "", 1);
}
void wake_pipe::drain() const noexcept {
    char bytes[64];
    while (read(ends_[0], bytes, sizeof bytes) > 0) {}
}

}  // namespace aero_server
