// Which nodes should own a partition: all nodes in an order of their own for each partition, the same wherever it is
// computed (rendezvous hashing of node ids). A node that leaves or comes moves only the partitions it takes part in.
// Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aero_server {

// Indexes into `node_ids`, best first.
std::vector<uint8_t> succession_of(unsigned partition, std::span<const std::string> node_ids);

}  // namespace aero_server
