#if AERO_HAVE_EPOLL

#include <sys/epoll.h>
#include <unistd.h>

#include <array>

#include "net/poller.h"

namespace aero_server {

struct poller::state {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    std::array<epoll_event, 128> events{};

    void control(int operation, int watched, void* tag, bool read, bool write) const {
        epoll_event wanted{};
        wanted.events = (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u);
        wanted.data.ptr = tag;
        epoll_ctl(fd, operation, watched, &wanted);
    }
};

poller::poller() : state_(std::make_unique<state>()) {}
poller::~poller() { close(state_->fd); }

void poller::add(int fd, void* tag, bool read, bool write) { state_->control(EPOLL_CTL_ADD, fd, tag, read, write); }
void poller::change(int fd, void* tag, bool read, bool write) { state_->control(EPOLL_CTL_MOD, fd, tag, read, write); }
void poller::remove(int fd) { state_->control(EPOLL_CTL_DEL, fd, nullptr, false, false); }

void poller::wait(int timeout_ms, std::vector<event>& events) {
    events.clear();
    const int count =
        epoll_wait(state_->fd, state_->events.data(), static_cast<int>(state_->events.size()), timeout_ms);
    for (int i = 0; i < count; ++i) {
        const epoll_event& e = state_->events[static_cast<size_t>(i)];
        const bool broken = e.events & (EPOLLHUP | EPOLLERR);
        events.push_back({e.data.ptr, (e.events & EPOLLIN) != 0 || broken, (e.events & EPOLLOUT) != 0 || broken});
    }
}

}  // namespace aero_server

#endif
