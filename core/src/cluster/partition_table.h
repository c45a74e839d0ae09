// Who owns which partition, merged from what each node says of itself.
//
// Pure state: no clock, no I/O; one thread at a time. Nodes speak one after the other and of different moments, so they
// contradict each other while partitions move. The rules:
// - of all claims on a partition those of the highest regime count, and of these the one that changed last;
// - a partition that nobody claims any more stays with its last owner while that is a member: it will proxy;
// - a node that leaves takes its claims along.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cluster/view.h"
#include "wire/partition_map.h"

namespace aero::cluster {

using member_id = uint8_t;  // free to be used again once forgotten
inline constexpr member_id nobody = 0;

// What one node says of one namespace: partition p in held[r] means "I hold replica r of p".
struct partition_claim {
    uint32_t regime = 0;
    uint32_t replicas = 1;  // as announced; at most replicas_max of them are kept
    std::array<wire::partition_set, replicas_max> held{};

    bool operator==(const partition_claim&) const = default;
};

class partition_table {
  public:
    using claims = std::map<std::string, partition_claim, std::less<>>;  // by namespace

    // Replaces everything `who` claimed before. Gives the members that lost a partition by it: their maps are worth
    // another look.
    std::vector<member_id> claim(member_id who, const claims& said);
    void forget(member_id who);
    // After a call of these that threw for want of memory: works out anew what may be half done.
    void repair();

    bool owns_any(member_id who) const noexcept;
    // Every partition of at least one namespace has a master.
    bool complete() const noexcept;
    // Maps whose owners are indexes into `order`.
    std::vector<std::unique_ptr<namespace_map>> maps(std::span<const member_id> order) const;

  private:
    struct standing {
        partition_claim said;
        uint64_t changed = 0;  // greater: changed later
    };
    using owner_table = std::array<std::array<member_id, wire::partitions>, replicas_max>;
    struct space {
        std::map<member_id, standing> claims;
        owner_table owners{};
        std::array<uint32_t, 256> held{};  // partitions of each member, as master or replica
        uint32_t replicas = 1;
        bool strong_consistency = false;
    };
    static std::vector<member_id> merge(space& into);
    static std::vector<member_id> keep_last_owners(const space& before, owner_table& next);

    std::map<std::string, std::unique_ptr<space>, std::less<>> spaces_;
    uint64_t changes_ = 0;
};

}  // namespace aero::cluster
