// The embedded server: a cluster of nodes in this process, in memory, for demos, tests and fault drills.
//
//     aero_server::server s({.nodes = 3});
//     if (auto problem = s.start(); !problem.empty()) ...
//     s.endpoints();      // {{"127.0.0.1", 40123}, ...}
//     s.stop_node(2);     // as if it were killed: connections break, replicas take over
//     s.start_node(2);    // on the same port, empty; its records come back from the others
//
// All functions may be called from any thread; they wait for each other.
#pragma once

#include <condition_variable>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "node.h"
#include "options.h"
#include "ring/cluster.h"

namespace aero_server {

class server {
  public:
    explicit server(options how);
    ~server() { shutdown(); }
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    // Empty on success, otherwise what is wrong: one sentence. A server is started once.
    std::string start();
    std::string stop_node(unsigned index);
    std::string start_node(unsigned index);
    void shutdown();

    std::vector<std::pair<std::string, uint16_t>> endpoints() const;
    std::vector<std::pair<std::string, uint16_t>> tls_endpoints() const;  // empty: no TLS
    std::vector<std::string> node_ids() const;
    bool wait_until_stable(unsigned timeout_ms) const { return ring_->wait_until_stable(timeout_ms); }
    node& at(unsigned index) { return *nodes_[index]; }
    cluster& ring() { return *ring_; }
    server_clock& clock() { return clock_; }

  private:
    std::string check_options() const;
    void run_expiry();

    const options options_;
    server_clock clock_;
    users users_;
    directory directory_;
    std::vector<std::unique_ptr<node>> nodes_;
    std::unique_ptr<cluster> ring_;

    mutable std::mutex lock_;  // of starting and stopping
    std::condition_variable stop_expiry_;
    bool running_ = false;
    std::thread expiry_;
};

}  // namespace aero_server
