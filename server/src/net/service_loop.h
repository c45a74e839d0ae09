// A service thread of a node: waits for its connections, reads, serves and writes them. The first loop of a node also
// accepts new connections, in clear and by TLS, and hands them out in turn.
//
// A connection belongs to one loop for its life. Only `hand_over` and `stop` are called from other threads.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "io/stream.h"
#include "io/tls_context.h"
#include "net/poller.h"
#include "net/session.h"
#include "net/socket.h"

namespace aero_server {

class service_loop {
  public:
    explicit service_loop(node& here) : here_(here) {}
    ~service_loop() { stop(); }

    // Where a loop accepts connections; -1: nowhere. `tls` is what those of the second port speak.
    struct doors {
        int clear = -1;
        int secure = -1;
        std::shared_ptr<aero::io::tls_context> tls{};
    };
    // REQUIRES: not running. `siblings` are the loops of the node.
    void start(doors listening, const std::vector<std::unique_ptr<service_loop>>* siblings);
    // Closes all connections and joins the thread.
    void stop();
    void hand_over(aero::io::stream accepted);
    size_t connections() const noexcept { return connection_count_.load(std::memory_order_relaxed); }

  private:
    struct connection {
        connection(aero::io::stream accepted, node& here) : link(std::move(accepted)), talk(here) {}
        ~connection() { end_socket(link.fd()); }
        aero::io::stream link;
        bool ready = false;  // its TLS handshake is done; at once in clear
        session talk;
        size_t sent = 0;  // bytes of the output that are on their way
        bool waits_to_write = false;
        bool watched_to_read = true;  // what the poller was told
        bool watched_to_write = false;
    };

    void run();
    void accept_all(int listening);
    void adopt_new();
    void on_event(connection& c, const poller::event& e);
    bool make_ready(connection& c);
    bool receive(connection& c);
    bool serve_and_send(connection& c);
    bool send_output(connection& c);
    void serve_parked();
    void watch(connection& c);
    void drop(connection& c);

    node& here_;
    std::thread thread_;
    wake_pipe wake_;
    std::atomic<bool> stopping_{false};
    std::atomic<size_t> connection_count_{0};

    std::mutex lock_;
    std::vector<aero::io::stream> handed_over_;  // guarded by lock_

    // Used by the thread only.
    std::unique_ptr<poller> poller_;
    std::unordered_map<int, std::unique_ptr<connection>> connections_;
    std::vector<int> parked_;  // connections whose request waits for an owner of its record
    doors listening_;
    const std::vector<std::unique_ptr<service_loop>>* siblings_ = nullptr;
};

}  // namespace aero_server
