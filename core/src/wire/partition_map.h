// The texts by which nodes describe a cluster: who owns which partition, who the other nodes are, where a node listens.
//
//     replicas        NAMESPACE:REGIME,COUNT,BITMAP,BITMAP;NAMESPACE:...
//     peers-*         GENERATION,DEFAULT_PORT,[[NODE_ID,TLS_NAME,[HOST,HOST]],...]
//     service-*       HOST:PORT,HOST:PORT
//
// Pure functions. Decoders end with code::bad_reply on text they do not know; encoders, which the server uses, write
// what the decoders read.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "aero/error.h"
#include "wire/protocol.h"

namespace aero::wire {

// A set of partitions as it travels: partition p is bit 0x80 >> (p % 8) of byte p / 8.
struct partition_set {
    std::array<uint8_t, partitions / 8> bits{};

    bool has(unsigned partition) const noexcept { return (bits[partition / 8] & (0x80u >> (partition % 8))) != 0; }
    void add(unsigned partition) noexcept {
        bits[partition / 8] = static_cast<uint8_t>(bits[partition / 8] | 0x80u >> (partition % 8));
    }
    unsigned count() const noexcept;
    bool operator==(const partition_set&) const = default;
};

// What one node claims of one namespace: the partitions for which it is replica 0 (master), 1, ...
struct replica_claim {
    std::string name_space;
    uint32_t regime = 0;  // 0: availability mode
    std::vector<partition_set> replicas;
    bool operator==(const replica_claim&) const = default;
};
result<std::vector<replica_claim>> decode_replicas(std::string_view text);
std::string encode_replicas(const std::vector<replica_claim>& claims);

struct host {
    std::string name;  // a name or address; IPv6 without brackets
    uint16_t port = 0;
    bool operator==(const host&) const = default;
};
struct peer {
    std::string node_id;
    std::string tls_name;
    std::vector<host> hosts;  // empty: the node has left
    bool operator==(const peer&) const = default;
};
struct peer_list {
    uint64_t generation = 0;
    uint16_t default_port = 0;  // where hosts that name no port listen
    std::vector<peer> peers;
    bool operator==(const peer_list&) const = default;
};
result<peer_list> decode_peers(std::string_view text);
std::string encode_peers(const peer_list& list);

// `default_port` stands in for a host without one.
result<std::vector<host>> decode_service(std::string_view text, uint16_t default_port = 3000);
std::string encode_service(const std::vector<host>& hosts);
// "name:port", with brackets around IPv6 addresses.
std::string to_string(const host& of);

}  // namespace aero::wire
