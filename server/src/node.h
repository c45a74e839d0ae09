// One node of the server: its data, its address, and the service threads that speak to clients. Can be stopped and
// started again on the same port; its records do not outlive a stop.
//
// `start` and `stop` are called by one thread at a time; everything else is safe from any thread.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "net/service_loop.h"
#include "ring/cluster.h"

namespace aero_server {

// Where the nodes of a server are found; complete before the first of them is started.
struct directory {
    std::string host;
    std::vector<uint16_t> ports;
};

class node {
  public:
    node(unsigned index, std::string id, const options& how, const server_clock& clock);
    ~node() { retire(); }
    node(const node&) = delete;
    node& operator=(const node&) = delete;

    // Takes the port, without yet listening on it. Empty when that worked, otherwise why not.
    std::string reserve_port(uint16_t port);
    void introduce(cluster& ring, const directory& everyone) {
        ring_ = &ring;
        everyone_ = &everyone;
    }
    std::string start();
    void stop();    // the port stays taken, and connecting to it is refused
    void retire();  // for good: the port is free again
    bool running() const noexcept { return !loops_.empty(); }

    unsigned index() const noexcept { return index_; }
    const std::string& id() const noexcept { return id_; }
    uint16_t port() const noexcept { return port_; }
    const options& settings() const noexcept { return options_; }
    engine& data() noexcept { return engine_; }
    const cluster& ring() const noexcept { return *ring_; }
    cluster& ring() noexcept { return *ring_; }
    std::string address_of(unsigned other) const;

    void count_connection() noexcept { opened_.fetch_add(1, std::memory_order_relaxed); }
    uint64_t connections_opened() const noexcept { return opened_.load(std::memory_order_relaxed); }
    size_t connections() const noexcept;
    uint64_t uptime_s() const noexcept;

  private:
    const unsigned index_;
    const std::string id_;
    const options& options_;
    engine engine_;
    cluster* ring_ = nullptr;
    const directory* everyone_ = nullptr;
    uint16_t port_ = 0;
    int held_ = -1;  // keeps the port while the node is stopped
    int listening_ = -1;
    std::vector<std::unique_ptr<service_loop>> loops_;
    std::atomic<uint64_t> opened_{0};
    std::chrono::steady_clock::time_point started_;
};

}  // namespace aero_server
