#include "ring/agreement.h"

#include <algorithm>
#include <bit>

#include "ring/succession.h"
#include "wire/digest.h"

namespace aero_server {

namespace wire = aero::wire;

unsigned agreement::member_count() const noexcept { return static_cast<unsigned>(std::popcount(members)); }

void append_agreement(aero::buffer& to, const agreement& what) {
    to.append_be(what.version);
    to.append_be(what.base);
    to.append_be(what.key);
    to.append_be(what.members);
    for (unsigned node = 0; node < nodes_max; ++node)
        if (contains(what.members, node)) to.append_be(what.lives[node]);
    for (const owner_list& owners : what.owners) {
        to.append_u8(static_cast<unsigned>(owners.size()));
        for (const owner& o : owners) to.append_u8(o.node | (o.filled ? 0x80u : 0u));
    }
}

std::optional<agreement> read_agreement(aero::reader from) {
    agreement found;
    found.version = from.be<uint64_t>();
    found.base = from.be<uint64_t>();
    found.key = from.be<uint64_t>();
    found.members = from.be<node_set>();
    for (unsigned node = 0; node < nodes_max; ++node)
        if (contains(found.members, node)) found.lives[node] = from.be<uint64_t>();
    for (unsigned id = 0; id < wire::partitions && from.ok(); ++id) {
        owner_list owners;
        const unsigned count = from.u8();
        if (count > replicas_max + 1) return std::nullopt;
        for (unsigned i = 0; i < count; ++i) {
            const uint8_t byte = from.u8();
            const owner next{static_cast<uint8_t>(byte & 0x7F), (byte & 0x80) != 0};
            if (next.node >= nodes_max || !contains(found.members, next.node) || names(owners, next.node))
                return std::nullopt;
            owners.push_back(next);
        }
        found.owners.push_back(std::move(owners));
    }
    if (!from.ok() || !from.at_end() || found.version == 0) return std::nullopt;
    return found;
}

ring_plan::ring_plan(const std::vector<std::string>& node_ids, unsigned factor) : replication_factor(factor) {
    for (unsigned id = 0; id < wire::partitions; ++id) successions.push_back(succession_of(id, node_ids));
}

unsigned ring_plan::copies(node_set members) const noexcept {
    const unsigned most = std::min(replication_factor, replicas_max + 1);
    return std::max(1u, std::min(most, static_cast<unsigned>(std::popcount(members))));
}

owner_list ring_plan::wanted(unsigned partition, node_set members) const {
    return wanted_owners(successions[partition], members, copies(members));
}

agreement ring_plan::next(const agreement& now, node_set alive, node_set coming) const {
    agreement made = now;
    made.base = now.version;
    made.members = alive | coming;
    made.owners.resize(wire::partitions);
    // Who comes is filled before it owns anything, but for the first members of all.
    for (unsigned id = 0; id < wire::partitions; ++id)
        made.owners[id] = now.version == 0 ? wanted(id, coming)
                                           : surviving_owners(now.owners[id], alive, wanted(id, alive), copies(alive));
    return made;
}

bool ring_plan::is_settled(const agreement& now) const {
    for (unsigned id = 0; id < wire::partitions; ++id)
        if (!aero_server::is_settled(now.owners[id], wanted(id, now.members))) return false;
    return true;
}

}  // namespace aero_server
