// One node that is a process of its own and belongs to a cluster of such processes, for drills with real crashes.
//
//     aero_server::member m({.members = {{"127.0.0.1", 4000, 5000}, {"127.0.0.1", 4001, 5001}}, .member = 0});
//     if (auto problem = m.start(); !problem.empty()) ...
//     m.wait_until_member(10'000);    // it serves from then on
//
// `start` and `shutdown` are called by one thread.
#pragma once

#include <memory>
#include <string>

#include "node.h"
#include "ring/process_ring.h"

namespace aero_server {

class member {
  public:
    explicit member(options how);
    ~member() { shutdown(); }
    member(const member&) = delete;
    member& operator=(const member&) = delete;

    // Empty on success, otherwise what is wrong: one sentence.
    std::string start();
    bool wait_until_member(unsigned timeout_ms) const { return ring_->wait_until_member(timeout_ms); }
    void shutdown();

  private:
    std::string check_options() const;

    const options options_;
    server_clock clock_;
    users users_;
    directory directory_;
    write_log log_;
    std::unique_ptr<node> node_;
    std::unique_ptr<process_ring> ring_;
};

}  // namespace aero_server
