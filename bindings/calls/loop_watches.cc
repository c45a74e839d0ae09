#include "calls/loop_watches.h"

#include <algorithm>

#include "calls/loop_api.h"

namespace aero::py {

bool loop_watches::start(const event_client& events, PyObject* loop, PyObject* callback) {
    if (const int fd = events.fd(); fd >= 0) {
        if (!loop_watch(loop, asyncio.add_reader, fd, callback)) return false;
        fd_ = fd;
        return true;
    }
    wanted_.clear();
    events.watched(wanted_);
    std::ranges::sort(wanted_, {}, &event_client::watch::fd);
    // Two sorted lists side by side.
    bool fine = true;
    auto old = sockets_.begin();
    for (const auto& each : wanted_) {
        for (; old != sockets_.end() && old->fd < each.fd; ++old)
            fine &= change(loop, callback, *old, {old->fd, false, false});
        const bool known = old != sockets_.end() && old->fd == each.fd;
        fine &= change(loop, callback, known ? *old : event_client::watch{each.fd, false, false}, each);
        if (known) ++old;
    }
    for (; old != sockets_.end(); ++old) fine &= change(loop, callback, *old, {old->fd, false, false});
    sockets_.swap(wanted_);
    return fine;
}

bool loop_watches::change(PyObject* loop, PyObject* callback, const event_client::watch& from,
                          const event_client::watch& to) {
    bool fine = true;
    if (from.read != to.read)
        fine &= to.read ? loop_watch(loop, asyncio.add_reader, to.fd, callback)
                        : loop_watch(loop, asyncio.remove_reader, to.fd, nullptr);
    if (from.write != to.write)
        fine &= to.write ? loop_watch(loop, asyncio.add_writer, to.fd, callback)
                         : loop_watch(loop, asyncio.remove_writer, to.fd, nullptr);
    return fine;
}

void loop_watches::stop(PyObject* loop) noexcept {
    const auto quietly = [](bool done) {
        if (!done) PyErr_Clear();
    };
    if (fd_ >= 0) quietly(loop_watch(loop, asyncio.remove_reader, fd_, nullptr));
    fd_ = -1;
    for (const auto& each : sockets_) quietly(change(loop, nullptr, each, {each.fd, false, false}));
    sockets_.clear();
}

}  // namespace aero::py
