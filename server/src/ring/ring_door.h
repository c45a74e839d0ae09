// Where the other processes of a cluster reach this one: a listening port and a thread for each connection, which
// answers one request after another. Connections are few, as each process keeps one for each of its threads.
//
// `start` and `stop` are called by one thread; what answers is called by the threads of the connections.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "base/buffer.h"

namespace aero_server {

class ring_door {
  public:
    // Fills in the answer. False for bytes that are no request: the connection is closed.
    using answering = std::function<bool(aero::byte_view request, aero::buffer& answer)>;

    ring_door() = default;
    ~ring_door() { stop(); }
    ring_door(const ring_door&) = delete;
    ring_door& operator=(const ring_door&) = delete;

    std::string start(const std::string& host, uint16_t port, answering how);  // empty, or what is wrong
    void stop();

  private:
    struct visitor {
        int fd = -1;
        std::atomic<bool> left{false};
        std::thread serves;
    };

    void accept_visitors();
    void serve(visitor& who);
    void forget_those_who_left();

    answering how_;
    int listening_ = -1;
    std::atomic<bool> stopping_{false};
    std::thread accepts_;
    std::list<visitor> visitors_;  // of the accepting thread until it ends
};

}  // namespace aero_server
