// What a server is started with. A plain value; read-only once the server runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aero/config.h"

namespace aero_server {

inline constexpr unsigned nodes_max = 32;

struct user_option {
    std::string name;
    aero::secret password;
    std::vector<std::string> roles;
    bool expired = false;  // the password is: a login is refused
};

// One process of a cluster of processes.
struct member_option {
    std::string host;
    uint16_t port = 0;        // for clients
    uint16_t ring_port = 0;   // for the other members
    std::string access{};     // the address told to clients; empty: `host`
    std::string alternate{};  // and the one told to those that ask for alternate services; empty: none
};

struct options {
    std::string host = "127.0.0.1";
    uint16_t base_port = 0;  // node i listens on base_port + i; 0 lets the system choose a free port for each node
    unsigned nodes = 1;
    std::vector<std::string> namespaces = {"test"};
    unsigned replication_factor = 2;  // never more than there are nodes
    unsigned service_threads = 2;     // of each node
    std::string cluster_name = "aero";
    uint32_t default_ttl_s = 0;     // 0: records without a ttl of their own never expire
    uint32_t nsup_period_s = 5;     // how often expired records are removed; 0 forbids ttls, as the real server does
    uint32_t batch_rows_max = 0;    // 0: no limit
    uint32_t migrate_pause_us = 0;  // between two partitions of a migration, to make one last
    std::vector<int> rack_ids;      // of each node; empty: no racks, as a Community server
    size_t record_size_max = 1u << 20;  // counted as the real server counts
    aero::tls_config tls;               // enabled: every node listens on a second port for TLS
    bool compression = false;           // off: compressed requests are refused, as by a Community server
    std::string tls_name;               // what clients must find in its certificate
    std::string access;                 // the address told to clients; empty: `host`
    std::string alternate;              // the one told to those that ask for alternate services; empty: none
    std::vector<user_option> users;     // none: security is off
    uint32_t session_ttl_s = 86400;
    std::vector<member_option> members;  // a node of a cluster of processes: all that may belong to it
    unsigned member = 0;                 // which of them this one is
    uint32_t beat_ms = 150;              // between two heartbeats
    uint32_t dead_ms = 1000;             // of silence, and a member is left out
    std::string write_log;               // file that records every write; empty: none
};

}  // namespace aero_server
