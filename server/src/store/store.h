// The records of one namespace on one node, with their sets and counts. Each partition has a lock of its own; whoever
// touches records holds it. Everything else here is safe from any thread.
#pragma once

#include <memory>
#include <string>

#include "store/clock.h"
#include "store/partition.h"
#include "store/set_table.h"

namespace aero_server {

class store {
  public:
    store(std::string name, uint8_t index, const server_clock& clock);

    const std::string& name() const noexcept { return name_; }
    uint8_t index() const noexcept { return index_; }
    partition& at(unsigned id) noexcept { return partitions_[id]; }
    const partition& at(unsigned id) const noexcept { return partitions_[id]; }
    set_table& sets() noexcept { return sets_; }
    const set_table& sets() const noexcept { return sets_; }
    const server_clock& clock() const noexcept { return clock_; }

    // REQUIRES for these three: the caller holds the lock of `in`.
    void put(partition& in, record_ptr made);
    bool erase(partition& in, const aero::wire::digest& key);
    // Past its void time, or older than a truncation.
    bool is_doomed(const record& r) const noexcept { return is_truncated(r) || is_expired(r); }
    bool is_expired(const record& r) const noexcept { return r.void_time != 0 && r.void_time < clock_.now_s(); }
    bool is_truncated(const record& r) const noexcept;

    // A copy of a record of another node's store. The set is this store's own. Takes the lock.
    void absorb(unsigned id, const record& from);
    void drop(unsigned id, const aero::wire::digest& key);  // takes the lock
    void clear(unsigned id);                                // takes the lock

    // Records updated before `before_ms` are gone from now on; an empty set means all. Removes them.
    void truncate(std::string_view set, uint64_t before_ms);
    uint64_t truncated_before_ms() const noexcept { return truncated_before_ms_.load(std::memory_order_relaxed); }
    void remove_expired();
    uint64_t expired_count() const noexcept { return expired_.load(std::memory_order_relaxed); }

    struct counts {
        uint64_t master = 0;
        uint64_t replica = 0;
        uint64_t bytes = 0;
    };
    counts count() const;

  private:
    void account(const record& r, int64_t sign) noexcept;

    const std::string name_;
    const uint8_t index_;
    const server_clock& clock_;
    set_table sets_;
    std::unique_ptr<partition[]> partitions_;
    std::atomic<uint64_t> truncated_before_ms_{0};
    std::atomic<uint64_t> expired_{0};
};

}  // namespace aero_server
