// Who owns each partition, and the rules by which owners change when nodes leave, come and have been filled. Used by
// clusters inside a process and of several processes alike. Pure functions on plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "store/partition.h"

namespace aero_server {

struct owner {
    uint8_t node = no_node;
    bool filled = false;  // has all records
    bool operator==(const owner&) const = default;
};
using owner_list = std::vector<owner>;  // the master first

// A set of nodes as bits, which limits a cluster to 32 of them.
using node_set = uint32_t;
constexpr bool contains(node_set all, unsigned node) noexcept { return (all >> node & 1u) != 0; }
constexpr node_set only(unsigned node) noexcept { return node_set{1} << node; }

// The owners a partition should have: the first of its succession that are alive, as many as there are copies.
owner_list wanted_owners(const std::vector<uint8_t>& succession, node_set alive, unsigned copies);
// What is left of `now`, those that have the records first; then wanted nodes that are to be filled.
owner_list surviving_owners(const owner_list& now, node_set alive, const owner_list& wanted, unsigned copies);
bool same_nodes(const owner_list& a, const owner_list& b);
bool names(const owner_list& owners, unsigned node);
bool has_filled(const owner_list& owners, unsigned node);
// The same nodes in the same order, and all have the records.
bool is_settled(const owner_list& now, const owner_list& wanted);
// What one node is to know of it.
ownership ownership_of(const owner_list& owners, unsigned node);

}  // namespace aero_server
