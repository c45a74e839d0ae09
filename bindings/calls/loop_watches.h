// Which descriptors of an event_client a loop watches for us: one where there is epoll, each socket elsewhere.
//
// Belongs to a loop host and its thread. `callback` is what the loop calls when something can be read or written.
#pragma once

#include <vector>

#include "aero/event_client.h"
#include "compat.h"

namespace aero::py {

class loop_watches {
  public:
    // Makes the loop watch what `events` wants watched now. False with an exception when the loop refuses.
    bool follow(const event_client& events, PyObject* loop, PyObject* callback) {
        if (fd_ >= 0) return true;  // the one descriptor never changes
        return start(events, loop, callback);
    }
    // Stops all of it; what the loop raises is dropped.
    void stop(PyObject* loop) noexcept;

  private:
    bool start(const event_client& events, PyObject* loop, PyObject* callback);
    bool change(PyObject* loop, PyObject* callback, const event_client::watch& from, const event_client::watch& to);

    int fd_ = -1;
    std::vector<event_client::watch> sockets_;  // by descriptor
    std::vector<event_client::watch> wanted_;
};

}  // namespace aero::py
