// What the processes of a cluster agree on: who belongs to it, in which life, and who owns what. Made by one of them,
// the leader, and taken over by the others in two steps: first everybody gives up what it no longer owns, then
// everybody takes over what it owns now, so that no partition has two masters. A plain value.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/buffer.h"
#include "base/reader.h"
#include "options.h"
#include "ring/owner_table.h"

namespace aero_server {

struct agreement {
    // Grows with every agreement; the lowest bits are the leader's, so that no two leaders make the same. 0: none.
    uint64_t version = 0;
    uint64_t base = 0;  // the version it was made from: only who has that one can go on to this one
    uint64_t key = 0;   // names the membership
    node_set members = 0;
    std::array<uint64_t, nodes_max> lives{};  // of the members: a process that was started again is another one
    std::vector<owner_list> owners;           // by partition

    bool has(unsigned node, uint64_t life) const noexcept {
        return version != 0 && contains(members, node) && lives[node] == life;
    }
    unsigned member_count() const noexcept;
    // The version that `leader` makes after `seen`.
    static uint64_t version_after(uint64_t seen, unsigned leader) noexcept {
        return (seen / nodes_max + 1) * nodes_max + leader;
    }
};

void append_agreement(aero::buffer& to, const agreement& what);
std::optional<agreement> read_agreement(aero::reader from);

// The successions of all partitions, and the copies that are kept of each.
struct ring_plan {
    ring_plan(const std::vector<std::string>& node_ids, unsigned replication_factor);

    unsigned copies(node_set members) const noexcept;
    owner_list wanted(unsigned partition, node_set members) const;
    // The agreement that follows `now` once `alive` are left of its members and `coming` have come.
    agreement next(const agreement& now, node_set alive, node_set coming) const;
    bool is_settled(const agreement& now) const;

    std::vector<std::vector<uint8_t>> successions;
    unsigned replication_factor;
};

}  // namespace aero_server
