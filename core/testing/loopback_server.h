// A tiny server on the loopback device that speaks info from a script, in the manner it is told. Real sockets, one
// thread.
//
// Threads: made, changed and stopped by the test's thread; serves on its own.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "io/wake_up.h"
#include "testing/info_script.h"

namespace aero::tests {

class loopback_server {
  public:
    enum class manner { answers, silent, closes, garbage, half };

    loopback_server();  // on a free port
    ~loopback_server();

    uint16_t port() const noexcept { return port_; }
    void serve(info_script script);
    void act(manner how) noexcept { manner_ = how; }
    void stop();  // closes everything; the port refuses from then on
    void start_again();
    unsigned accepted() const noexcept { return accepted_; }

  private:
    struct peer;
    void listen_on(uint16_t port);
    void run();
    bool answer(peer& at);

    int listening_ = -1;
    uint16_t port_ = 0;
    std::atomic<manner> manner_{manner::answers};
    std::atomic<unsigned> accepted_{0};
    std::atomic<bool> stopping_{false};
    io::wake_up wake_;
    std::mutex mutex_;
    info_script script_;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace aero::tests
