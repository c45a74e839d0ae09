#if !AERO_HAVE_EPOLL

#include <poll.h>

#include <algorithm>

#include "net/poller.h"

namespace aero_server {

struct poller::state {
    std::vector<pollfd> watched;
    std::vector<void*> tags;

    size_t index_of(int fd) const {
        const auto found = std::find_if(watched.begin(), watched.end(), [&](const pollfd& w) { return w.fd == fd; });
        return static_cast<size_t>(found - watched.begin());
    }
    void set(size_t at, void* tag, bool read, bool write) {
        watched[at].events = static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0));
        tags[at] = tag;
    }
};

poller::poller() : state_(std::make_unique<state>()) {}
poller::~poller() = default;

void poller::add(int fd, void* tag, bool read, bool write) {
    state_->watched.push_back({fd, 0, 0});
    state_->tags.push_back(nullptr);
    state_->set(state_->watched.size() - 1, tag, read, write);
}
void poller::change(int fd, void* tag, bool read, bool write) { state_->set(state_->index_of(fd), tag, read, write); }
void poller::remove(int fd) {
    const auto at = static_cast<std::ptrdiff_t>(state_->index_of(fd));
    state_->watched.erase(state_->watched.begin() + at);
    state_->tags.erase(state_->tags.begin() + at);
}

void poller::wait(int timeout_ms, std::vector<event>& events) {
    events.clear();
    if (poll(state_->watched.data(), state_->watched.size(), timeout_ms) <= 0) return;
    for (size_t i = 0; i < state_->watched.size(); ++i) {
        const short got = state_->watched[i].revents;
        const bool broken = got & (POLLHUP | POLLERR | POLLNVAL);
        if (got != 0)
            events.push_back({state_->tags[i], (got & POLLIN) != 0 || broken, (got & POLLOUT) != 0 || broken});
    }
}

}  // namespace aero_server

#endif
