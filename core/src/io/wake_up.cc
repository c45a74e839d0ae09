#include "io/wake_up.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#if defined(AERO_HAVE_EPOLL)
#include <sys/eventfd.h>
#endif

namespace aero::io {

wake_up::wake_up() {
#if defined(AERO_HAVE_EPOLL)
    read_fd_ = write_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
#else
    int ends[2];
    if (pipe(ends) != 0) return;
    for (const int fd : ends) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
    read_fd_ = ends[0];
    write_fd_ = ends[1];
#endif
}

wake_up::~wake_up() { close(); }

void wake_up::close() noexcept {
    if (read_fd_ >= 0) ::close(read_fd_);
    if (write_fd_ >= 0 && write_fd_ != read_fd_) ::close(write_fd_);
    read_fd_ = write_fd_ = -1;
}

void wake_up::signal() noexcept {
    const int kept = errno;
    const uint64_t one = 1;
    // A full pipe or counter means that the wake-up is already due.
    while (write(write_fd_, &one, sizeof one) < 0 && errno == EINTR) {}
    errno = kept;
}

void wake_up::clear() noexcept {
    uint64_t seen[8];
    while (read(read_fd_, seen, sizeof seen) == static_cast<ssize_t>(sizeof seen)) {}
}

}  // namespace aero::io
