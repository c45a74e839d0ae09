// How many bytes may be sent again: a fifth of what is sent for the first time, so that calls that ask again do not
// double the load on a cluster that is in trouble. A reserve from the start lets a client that has just begun, or asks
// seldom, try again too; what is not spent is kept, up to a limit.
//
// Every node counts what was sent to it for the first time (`node::load`); it is collected here when somebody wants to
// spend, so that a call that succeeds pays for one addition and touches nothing that all nodes share.
//
// Threads: every member from any thread. One per client, shared by its views.
#pragma once

#include <cstdint>
#include <mutex>

namespace aero::cluster {

struct view;

class retry_budget {
  public:
    static constexpr int64_t share = 5;           // one byte of so many may be sent again
    static constexpr int64_t kept_max = 4 << 20;  // of unspent bytes

    explicit retry_budget(uint32_t reserve) noexcept : left_(reserve) {}

    // Whether `bytes` may be sent again. What is spent may be more than is left, once: the rest is owed, so that a
    // single large request is not refused for its size.
    bool spend(const view& seen, size_t bytes) noexcept;

  private:
    std::mutex mutex_;
    int64_t left_;  // guarded by mutex_; negative: owed
};

}  // namespace aero::cluster
