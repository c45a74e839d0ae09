// One of the 4096 shares of a namespace on one node: its records and what the node is for it.
//
// The part a node plays changes only under the partition's lock, and a node gives up being master before another takes
// it over; a master that writes its replicas while it holds its own lock can therefore never meet another master doing
// the same the other way round.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "store/partition_lock.h"
#include "store/record_table.h"

namespace aero_server {

inline constexpr uint8_t no_node = 0xFF;
inline constexpr unsigned replicas_max = 7;  // copies beside the master

enum class duty : uint8_t {
    none,     // holds nothing
    master,   // reads and writes, and writes its replicas
    replica,  // has every record: reads
    filling,  // named as a replica, but records are still on their way: passes everything to the master
};

// Who owns a partition, as one node sees it.
struct ownership {
    duty mine = duty::none;
    uint8_t rank = 0;  // my place among the owners, 0 is the master
    uint8_t master = no_node;
    uint8_t replica_count = 0;  // kept by the master: whom to write to
    std::array<uint8_t, replicas_max> replicas{};
};

struct alignas(64) partition {
    mutable partition_lock lock;
    record_table records;  // guarded by lock
    ownership owners;      // guarded by lock
    uint64_t sequence =
        0;  // guarded by lock: of the last write; between processes an older one that comes late is void
    bool being_filled = false;  // guarded by lock: a copy arrives from another process before the node is named
    // The node's rank among the owners, or no_node: what the partition map tells, readable without the lock.
    std::atomic<uint8_t> shown_rank{no_node};
};

}  // namespace aero_server
