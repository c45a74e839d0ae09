// What a node knows of its cluster, whoever keeps it together: a table in the same process or an agreement between
// processes. Read by the info commands of the node. Safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aero_server {

class membership {
  public:
    // What a node tells about the cluster.
    struct node_view {
        int64_t partition_generation = -1;  // -1: owns nothing yet
        uint64_t peers_generation = 0;
        uint64_t rebalance_generation = 0;
    };
    struct peer_change {
        uint64_t generation;
        unsigned node;
        bool came;
    };

    virtual ~membership() = default;
    virtual node_view view(unsigned node) const = 0;
    virtual bool alive(unsigned node) const = 0;
    virtual unsigned alive_count() const = 0;
    virtual unsigned size() const = 0;  // nodes that there may be
    virtual const std::string& node_id(unsigned node) const = 0;
    virtual unsigned copies() const = 0;  // effective replication factor
    virtual bool stable() const = 0;      // no migration is under way
    virtual uint64_t key() const = 0;     // names this membership; changes with it
    virtual std::vector<peer_change> changes_after(unsigned node, uint64_t generation) const = 0;
    virtual void truncate(std::string_view name_space, std::string_view set, uint64_t before_ms) = 0;
};

}  // namespace aero_server
