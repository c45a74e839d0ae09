// What is asked of a node in one conversation, and what it says of itself: facts read from info text, each checked.
//
// Pure functions. Any value that does not fit its grammar makes the whole report an error, told in one phrase that goes
// on after the node's name ("gives no partition-generation").
#pragma once

#include <array>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "cluster/info_channel.h"
#include "cluster/partition_table.h"

namespace aero::cluster {

// Always asked: the name and the generations. The rest as needed.
struct inquiry {
    bool identity = false;  // build and, when one is expected, the cluster's name
    bool peers = false;
    bool map = false;
    bool services = false;  // the node's own addresses
    bool calls_at = false;  // where it listens in clear, for clients that only log in by TLS
    bool rack_generation = false;
    bool racks = false;
    bool alternate = false;  // of peers and services
    bool tls = false;        // likewise: where they listen for TLS
    std::string user_agent;  // to introduce ourselves with, base64; empty: already done
};

struct node_report {
    std::string name;
    std::string cluster_name;
    std::array<unsigned, 4> build{};
    int64_t partition_generation = 0;  // -1: the node is not ready
    int64_t peers_generation = 0;
    int64_t rebalance_generation = 0;
    std::vector<wire::peer> peers;
    std::vector<wire::host> services;
    std::vector<wire::host> calls_at;
    partition_table::claims claims;
    std::map<std::string, int, std::less<>> racks;  // by namespace; empty where the server knows no racks
};

std::vector<std::string> commands_of(const inquiry& asked);
std::expected<node_report, std::string> read_report(const inquiry& asked, const info_channel& reply);

// The value of `user-agent-set` for an application: base64 of at most 63 bytes of text.
std::string user_agent_value(std::string_view application);

}  // namespace aero::cluster
