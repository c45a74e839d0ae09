// How a client finds its cluster and how many connections it may hold. Plain data, copied by the client.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aero/secret.h"

namespace aero {

struct host {
    std::string name;  // DNS name or address, IPv6 without brackets
    uint16_t port = 3000;
    std::string tls_name{};  // what its certificate must be for; empty: `name`
};

// Certificates and keys are PEM text, in files or at hand. Files that change are read again for connections to come.
// Without any authority given, those of the system are trusted.
struct tls_config {
    bool enable = false;
    std::string cafile;  // authorities, and revocation lists when `crl_check` is on
    std::string capath;  // a folder of them, as `openssl rehash` makes it
    std::string cadata;
    std::string certfile;  // our own certificate, followed by what leads to its authority
    std::string certdata;
    std::string keyfile;  // empty: the key is in the file of the certificate
    secret keydata;
    secret keyfile_pw;           // pass phrase of an encrypted key
    std::string protocols;       // "TLSv1.2 TLSv1.3", "-all +TLSv1.3"; empty: both
    std::string cipher_suite;    // names parted by ':'; those that begin with TLS_ are for TLS 1.3
    bool crl_check = false;      // the node's certificate must stand on no revocation list of its issuer
    bool crl_check_all = false;  // nor any certificate above it
    // Logins and what is asked about the cluster are secure; calls go in clear, with what a login earned. For networks
    // where only passwords have to be hidden.
    bool for_login_only = false;
};

enum class auth_mode : uint8_t {
    internal,  // a password that the server knows
    external,  // a password that a directory behind the server knows: wants TLS
    pki,       // our certificate: wants TLS
};

// A read whose policy allows more than the master asks another replica too when the first is slow, a batch for the rows
// that are late. Off while neither `after_ms` nor `percentile` says when; both at once are refused.
struct hedge_config {
    uint32_t after_ms = 0;  // since the first was asked
    double percentile = 0;  // above 0, below 100: of how long such reads take
    double share = 0.05;    // of the records so read, at most; above 0, at most 1
    bool on() const noexcept { return after_ms != 0 || percentile != 0; }
};

struct client_config {
    std::vector<host> hosts;
    std::string cluster_name;            // empty: not checked
    uint32_t connect_timeout_ms = 1000;  // whole of `open`, and of each later connect
    uint32_t idle_timeout_s = 55;
    uint32_t connections_per_node_max = 256;
    uint32_t connections_per_node_min = 0;  // kept open for calls on threads; loops have their own, see event_config
    uint32_t tend_interval_ms = 1000;
    bool early_tend = true;  // nodes are asked before their time when calls fail, ten times a second at most
    bool use_services_alternate = false;
    uint32_t max_concurrent_operations = 0;   // 0: no limit
    uint32_t operation_queue_timeout_ms = 0;  // 0: the call's own deadline
    bool merge_concurrent_reads = true;       // event clients gather the reads of one tick into batch messages
    bool split_large_batches = true;          // from 400 rows for one node over two connections
    uint32_t connecting_per_node_max = 32;    // connects under way at once, handshakes included; at least 1
    bool circuit_breaker = true;              // reads pass over a node that failed, until it answers again
    bool retry_budget = true;                 // at most a fifth of the bytes sent is sent again, beyond the reserve
    uint32_t retry_reserve = 1 << 20;         // bytes
    hedge_config hedged_reads;
    bool adaptive_concurrency = false;  // requests at once to a node are limited by how long it takes to answer
    std::vector<int> rack_ids;          // best first, for replica_policy::prefer_rack; empty: racks are not asked for
    std::string user_agent = "aero";
    tls_config tls;
    std::string user;  // empty: nobody logs in, but for pki
    secret password;
    auth_mode auth = auth_mode::internal;
};

}  // namespace aero
