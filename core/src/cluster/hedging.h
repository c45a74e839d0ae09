// When a read asks a second replica, and how often: one rule for all calls of a client. Reads of one record and batches
// have one each, for they take other times; the budget of either counts records.
//
// The delay is given, or follows a percentile of how long the client's reads take: a read that was answered within it
// shortens it a little, one that was not lengthens it by as much more as makes the two balance at that percentile. No
// time is kept but the delay itself.
//
// Threads: every member from any thread, without a lock. An update that another overtakes is lost, and the next one
// makes up for it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "aero/config.h"
#include "base/time.h"

namespace aero::cluster {

class hedging {
  public:
    static constexpr nanos delay_first = from_ms(10);  // of a percentile of which nothing is known yet
    static constexpr nanos delay_min = 100'000;
    static constexpr nanos delay_max = from_ms(1'000);
    // A budget that nobody spends is saved up to so many hedges of the whole read that pays, so that a burst follows a
    // long calm by no more.
    static constexpr unsigned saved_max = 10;

    explicit hedging(const hedge_config& set) noexcept;

    nanos delay() const noexcept { return delay_.load(std::memory_order_relaxed); }
    // A read of so many records that other replicas could answer begins: it pays its share into the budget.
    void read_begins(size_t records) noexcept;
    // Whether a read was answered within the delay that it was given.
    void observe(bool in_time) noexcept;
    // Takes a hedge of so many records from the budget; false when it has not as much.
    bool admit(size_t records) noexcept;

  private:
    static constexpr int64_t whole = 1'000'000;  // one record

    const int64_t share_;  // of it, that reading one pays
    const double shorter_, longer_;
    std::atomic<nanos> delay_;
    std::atomic<int64_t> budget_{0};
};

struct client_hedging {
    explicit client_hedging(const hedge_config& set) noexcept : records(set), batches(set) {}
    hedging records, batches;
};

}  // namespace aero::cluster
