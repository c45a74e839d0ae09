// A server node as a client knows it. Shared by snapshots, pools and calls in flight; lives as long as anyone holds it.
//
// Threads: name and address never change. Counters are atomics. The pool of synchronous connections has a lock of its
// own.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/threads.h"
#include "cluster/breaker.h"
#include "cluster/concurrency_limit.h"
#include "cluster/security.h"
#include "io/stream.h"

namespace aero {
class interrupt_hook;
}

namespace aero::cluster {

// A connection at rest in a pool or held by one call. Counted in its node's `connections` from its start to its end.
struct connection {
    io::stream stream;
    nanos last_used = 0;
    nanos opened = 0;  // when its connect began
};

// How a node is treated when it fails or has just come.
struct flow_limits {
    bool breaks = true;
    uint32_t connecting_max = 32;
    uint32_t adapts_to = 0;  // requests at once of threads, at most, by how long the node takes; 0: no such limit
};

class node {
  public:
    // Without `how` its connections are in clear, and nobody logs in.
    node(std::string name, io::endpoint address, std::shared_ptr<const security> how = {},
         std::shared_ptr<session> known = {}, flow_limits flow = {})
        : health(flow.breaks),
          connecting_max_(flow.connecting_max),
          adapted_(flow.adapts_to == 0 ? nullptr : std::make_unique<concurrency_limit>(flow.adapts_to)),
          busy_most_(adapted_ == nullptr ? UINT32_MAX : adapted_->value()),
          name_(std::move(name)),
          address_(std::move(address)),
          security_(std::move(how)),
          session_(std::move(known)) {}

    const std::string& name() const noexcept { return name_; }
    const io::endpoint& address() const noexcept { return address_; }
    const std::string& address_text() const noexcept { return address_text_; }

    // A new connection, on its way. Whoever holds a slot for it gives that back when this fails.
    result<io::stream> start_connect() const noexcept;

    bool active() const noexcept { return active_.load(std::memory_order_relaxed); }
    // Worth asking before others.
    bool good() const noexcept { return active() && !health.open(); }
    breaker health;
    // Bytes sent to it for the first time, for the budget of retries: counted by calls, taken by the budget.
    void count_load(size_t bytes) noexcept { load_.fetch_add(bytes, std::memory_order_relaxed); }
    uint64_t take_load() noexcept { return load_.exchange(0, std::memory_order_relaxed); }
    void deactivate() noexcept;  // closes what rests in the pool, and lets nobody wait any longer

    // Counts a new connection against `max`; false when the node has as many already. Give back with `drop_slot`. The
    // pool that threads share may always have its first one, and a loop sees to its own first: otherwise what rests
    // with the others would keep it waiting for ever.
    enum class holder : uint8_t { threads, loop };
    // With a `turn` to connect, which `end_connect` gives back once that has succeeded or failed: a node that has just
    // come is not stormed, and one whose breaker is open gets one connect at a time. A loop always may have its
    // `first_turn`.
    enum class turn : uint8_t { none, turn, first_turn };
    bool take_slot(uint32_t max, holder who = holder::threads, turn with = turn::none) noexcept;
    void end_connect() noexcept;
    // Another connection may be had, and only the number of connects under way is in its way.
    bool holds_connects(uint32_t max) const noexcept;
    uint32_t connecting() const noexcept { return slots_.load(std::memory_order_relaxed).connecting; }
    void drop_slot(holder who = holder::threads) noexcept;
    uint32_t connections() const noexcept { return slots_.load(std::memory_order_relaxed).all; }

    // A reply on a connection opened at `opened` says that our session is over: a new login is due, and what was opened
    // until now carries no other call.
    void session_lost(nanos opened, nanos now) noexcept;
    bool trusts(nanos opened) const noexcept { return opened >= trusted_since_.load(std::memory_order_relaxed); }

    // Synchronous pool, last in first out. A taken connection keeps its slot. Of `kept` connections none is too old.
    std::optional<connection> take_idle(nanos now, nanos idle_max, uint32_t kept);
    // Waits until a connection comes back, or a slot is free and a turn to connect: with `slot` both are the caller's.
    // First come first served. Asks `interrupt` now and then.
    static constexpr size_t waiters_max = 16384;
    enum class grant : uint8_t { connection, slot, timed_out, queue_full, node_left, interrupted };
    grant wait_for_connection(uint32_t max, nanos timeout, std::optional<connection>& given,
                              interrupt_hook* interrupt = nullptr);
    // Closes it when the node is inactive, its session over, or no memory left to keep it.
    void give_back(connection&& back, nanos now) noexcept;
    // What became of a thread's request, where the limit adapts to it; before its connection is given back or dropped.
    bool adapts() const noexcept { return adapted_ != nullptr; }
    void answered(nanos took, size_t rows, nanos now) noexcept;
    void late(nanos now) noexcept;
    // Closes what has rested longer, as long as more than `kept` connections are open, and what the peer has closed.
    void trim_idle(nanos now, nanos idle_max, uint32_t kept);
    void abandon_after_fork() noexcept;  // in a forked child: closes its copies of what rests here

  private:
    const uint32_t connecting_max_;
    const std::unique_ptr<concurrency_limit> adapted_;  // guarded by mutex_; null: no such limit
    std::atomic<uint32_t> busy_most_;                   // its value: connections of threads that may be at work
    const std::string name_;
    const io::endpoint address_;
    const std::shared_ptr<const security> security_;
    const std::shared_ptr<session> session_;
    const std::string address_text_ = address_.text();
    struct slots {
        uint64_t all : 24 = 0;
        uint64_t of_threads : 20 = 0;
        uint64_t connecting : 20 = 0;
    };
    uint32_t connecting_most() const noexcept { return health.open() ? 1 : connecting_max_; }
    void close_resting() noexcept;
    void serve_waiters() noexcept;
    bool serve_first() noexcept;
    uint32_t busy() const noexcept;

    std::atomic<bool> active_{true};
    std::atomic<slots> slots_{};
    std::atomic<nanos> trusted_since_{0};
    std::atomic<uint64_t> load_{0};
    std::mutex mutex_;
    std::vector<connection> idle_;  // guarded by mutex_

    struct waiter {
        condition wake;
        std::optional<connection> given;
        uint32_t max = 0;
        bool slot = false;
        bool left = false;
    };
    std::list<waiter*> waiters_;        // guarded by mutex_
    std::atomic<uint32_t> waiting_{0};  // size of waiters_, so that nobody locks to find it empty
};

}  // namespace aero::cluster
