// Waits for descriptors: epoll where the system has it, poll elsewhere. Each descriptor carries a tag of its user's.
// One thread, but for nothing: waking a waiting poller is done with a descriptor of one's own (see wake_pipe.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace aero_server {

class poller {
  public:
    struct event {
        void* tag;
        bool readable;  // or closed, or failed: a read tells
        bool writable;
    };

    poller();
    ~poller();
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    void add(int fd, void* tag, bool read, bool write);
    void change(int fd, void* tag, bool read, bool write);
    void remove(int fd);
    // Replaces `events`. A negative timeout waits without end.
    void wait(int timeout_ms, std::vector<event>& events);

  private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace aero_server
