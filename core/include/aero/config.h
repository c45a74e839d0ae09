// How a client finds its cluster and how many connections it may hold. Plain data, copied by the client.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aero {

struct host {
    std::string name;  // DNS name or address, IPv6 without brackets
    uint16_t port = 3000;
};

struct client_config {
    std::vector<host> hosts;
    std::string cluster_name;            // empty: not checked
    uint32_t connect_timeout_ms = 1000;  // whole of `open`, and of each later connect
    uint32_t idle_timeout_s = 55;
    uint32_t connections_per_node_max = 256;
    uint32_t connections_per_node_min = 0;  // kept open for calls on threads; loops have their own, see event_config
    uint32_t tend_interval_ms = 1000;
    bool use_services_alternate = false;
    uint32_t max_concurrent_operations = 0;   // 0: no limit
    uint32_t operation_queue_timeout_ms = 0;  // 0: the call's own deadline
    bool merge_concurrent_reads = true;       // event clients gather the reads of one tick into batch messages
    bool split_large_batches = true;          // from 400 rows for one node over two connections
    std::vector<int> rack_ids;  // best first, for replica_policy::prefer_rack; empty: racks are not asked for
    std::string user_agent = "aero";
};

}  // namespace aero
