// What the client knows of the cluster at one moment: nodes and who owns which partition. Immutable and replaced whole,
// so readers never lock; a view is shared by pointer.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aero/request.h"
#include "cluster/asked_nodes.h"
#include "cluster/hedging.h"
#include "cluster/node.h"
#include "cluster/retry_budget.h"
#include "wire/protocol.h"

namespace aero::cluster {

inline constexpr uint8_t no_node = 255;
inline constexpr unsigned nodes_max = 128;  // indexes fit a byte with room to spare
inline constexpr unsigned replicas_max = 3;
inline constexpr int no_rack = -1;

struct namespace_map {
    std::string name;
    bool strong_consistency = false;
    uint8_t replicas = 1;  // 1..replicas_max
    // owners[r][p]: index into view::nodes of the node that holds replica r of partition p, or no_node.
    std::array<std::array<uint8_t, wire::partitions>, replicas_max> owners;
    std::vector<int> racks;  // rack or no_rack of each node of the view, or empty when nobody asked for racks

    bool operator==(const namespace_map&) const = default;
};

struct view {
    uint64_t version = 0;
    std::vector<std::shared_ptr<node>> nodes;
    std::vector<std::unique_ptr<const namespace_map>> namespaces;
    std::vector<int> preferred_racks;         // of the client, best first
    std::shared_ptr<retry_budget> retries;    // of the client; null: no limit
    std::shared_ptr<client_hedging> hedging;  // null: off

    const namespace_map* find(std::string_view name) const noexcept;
    std::string namespace_names() const;  // "a, b" for messages
};

using view_ptr = std::shared_ptr<const view>;

// Chooses the replica to ask, and another one than before when it is asked again, even one whose breaker is open: that
// may have recovered, while who was asked has just failed this very call. Otherwise a node whose breaker is open is
// asked when no other is good, and by a first choice also when a probe of it is due by `now`; at 0 none is. Gives
// no_node when nobody owns the partition.
uint8_t route_by_policy(const namespace_map& map, const view& seen, unsigned partition, replica_policy policy,
                        const asked_nodes& asked, nanos now) noexcept;
inline uint8_t route(const namespace_map& map, const view& seen, unsigned partition, replica_policy policy,
                     const asked_nodes& asked, nanos now) noexcept {
    // Nearly every choice is the first of the default policy, and finds the master good, or a write's.
    const uint8_t master = map.owners[0][partition];
    if (policy == replica_policy::sequence && asked.none()) {
        if (master < seen.nodes.size() && seen.nodes[master]->good()) return master;
    }
    if (policy == replica_policy::master) return master;
    return route_by_policy(map, seen, partition, policy, asked, now);
}
// Starts the rotation behind replica_policy::random anew in this thread, so that a simulation repeats itself.
void restart_rotation() noexcept;
// Distinct active owners of a partition: with one only, a retry has nowhere else to go.
unsigned replica_count(const namespace_map& map, const view& seen, unsigned partition) noexcept;

}  // namespace aero::cluster
