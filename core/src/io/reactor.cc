#include "io/reactor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_map>
#include <vector>

#include "base/no_memory.h"

#if defined(AERO_HAVE_EPOLL)
#include <sys/epoll.h>
#include <unistd.h>
#endif

namespace aero::io {

#if defined(AERO_HAVE_EPOLL)

struct reactor::state {
    int fd = -1;
};

namespace {

epoll_event event_for(readiness interest, void* tag) noexcept {
    const auto bits = static_cast<unsigned>(interest);
    epoll_event event{};
    event.events = ((bits & 1) != 0 ? uint32_t{EPOLLIN} : 0u) | ((bits & 2) != 0 ? uint32_t{EPOLLOUT} : 0u);
    event.data.ptr = tag;
    return event;
}

}  // namespace

reactor::reactor() : state_(std::make_unique<state>()) { state_->fd = epoll_create1(EPOLL_CLOEXEC); }

reactor::~reactor() { abandon(); }

bool reactor::ok() const noexcept { return state_->fd >= 0; }

int reactor::fd() const noexcept { return state_->fd; }

bool reactor::add(int fd, readiness interest, void* tag) noexcept {
    epoll_event event = event_for(interest, tag);
    return epoll_ctl(state_->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool reactor::modify(int fd, readiness interest, void* tag) noexcept {
    epoll_event event = event_for(interest, tag);
    return epoll_ctl(state_->fd, EPOLL_CTL_MOD, fd, &event) == 0;
}

void reactor::remove(int fd) noexcept {
    epoll_event unused{};  // kernels before 2.6.9 wanted one
    epoll_ctl(state_->fd, EPOLL_CTL_DEL, fd, &unused);
}

size_t reactor::wait(std::span<ready_event> into, nanos timeout) noexcept {
    std::array<epoll_event, 128> events;
    const int room = static_cast<int>(std::min(into.size(), events.size()));
    const int limit_ms = timeout == never ? -1 : static_cast<int>(std::min<int64_t>(to_ms_ceil(timeout), 1 << 30));
    const int count = epoll_wait(state_->fd, events.data(), room, limit_ms);
    for (int i = 0; i < count; ++i) {
        const uint32_t seen = events[static_cast<size_t>(i)].events;
        const bool broken = (seen & (EPOLLERR | EPOLLHUP)) != 0;
        into[static_cast<size_t>(i)] = {.tag = events[static_cast<size_t>(i)].data.ptr,
                                        .readable = broken || (seen & EPOLLIN) != 0,
                                        .writable = broken || (seen & EPOLLOUT) != 0};
    }
    return count > 0 ? static_cast<size_t>(count) : 0;
}

// Closing is enough: the interest list goes with the last descriptor that names it, and that may be another process's.
void reactor::abandon() noexcept {
    if (state_->fd >= 0) ::close(state_->fd);
    state_->fd = -1;
}

std::span<const poll_entry> reactor::watched() const noexcept { return {}; }

#else

struct reactor::state {
    std::vector<poll_entry> entries;
    std::vector<void*> tags;  // as long as `entries`
    std::unordered_map<int, size_t> places;
    size_t first = 0;  // where the next look for ready entries starts, so that none is starved by a short `into`
};

reactor::reactor() : state_(std::make_unique<state>()) {}

reactor::~reactor() = default;

bool reactor::ok() const noexcept { return true; }

int reactor::fd() const noexcept { return -1; }

bool reactor::add(int fd, readiness interest, void* tag) noexcept {
    try {
        detail::make_room_for_one(state_->entries);
        detail::make_room_for_one(state_->tags);
        if (!state_->places.emplace(fd, state_->entries.size()).second) return false;
    } catch (const std::bad_alloc&) {
        return false;  // like too many of them
    }
    state_->entries.push_back({.fd = fd, .interest = interest});
    state_->tags.push_back(tag);
    return true;
}

bool reactor::modify(int fd, readiness interest, void* tag) noexcept {
    const auto found = state_->places.find(fd);
    if (found == state_->places.end()) return false;
    state_->entries[found->second].interest = interest;
    state_->tags[found->second] = tag;
    return true;
}

void reactor::remove(int fd) noexcept {
    const auto found = state_->places.find(fd);
    if (found == state_->places.end()) return;
    const size_t place = found->second;
    state_->places.erase(found);
    if (place + 1 != state_->entries.size()) {
        state_->entries[place] = state_->entries.back();
        state_->tags[place] = state_->tags.back();
        state_->places[state_->entries[place].fd] = place;
    }
    state_->entries.pop_back();
    state_->tags.pop_back();
}

size_t reactor::wait(std::span<ready_event> into, nanos timeout) noexcept {
    std::vector<poll_entry>& entries = state_->entries;
    if (poll_many(entries, timeout) == 0) return 0;
    size_t count = 0;
    const size_t start = state_->first < entries.size() ? state_->first : 0;
    for (size_t step = 0; step < entries.size() && count < into.size(); ++step) {
        const size_t i = (start + step) % entries.size();
        state_->first = i + 1;
        if (!entries[i].readable && !entries[i].writable) continue;
        into[count++] = {.tag = state_->tags[i], .readable = entries[i].readable, .writable = entries[i].writable};
    }
    return count;
}

void reactor::abandon() noexcept {
    state_->entries.clear();
    state_->tags.clear();
    state_->places.clear();
}

std::span<const poll_entry> reactor::watched() const noexcept { return state_->entries; }

#endif

}  // namespace aero::io
