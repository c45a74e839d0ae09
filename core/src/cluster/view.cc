#include "cluster/view.h"

#include <algorithm>

namespace aero::cluster {
namespace {

// The replica after which random choices of this thread go on.
thread_local unsigned rotation = 0;

bool is_active(const view& seen, uint8_t owner) noexcept {
    return owner < seen.nodes.size() && seen.nodes[owner]->active();
}

// The first active owner from index `start` on, wrapping; else the first owner there is.
uint8_t walk(const namespace_map& map, const view& seen, unsigned partition, unsigned start) noexcept {
    uint8_t fallback = no_node;
    for (unsigned step = 0; step < map.replicas; ++step) {
        const uint8_t owner = map.owners[(start + step) % map.replicas][partition];
        if (is_active(seen, owner)) return owner;
        if (fallback == no_node) fallback = owner;
    }
    return fallback;
}

// Owners in order of preference: those on the preferred racks in the racks' order, then the rest; retries walk that
// list.
uint8_t by_rack(const namespace_map& map, const view& seen, unsigned partition, unsigned tried) noexcept {
    std::array<uint8_t, replicas_max> order;
    unsigned count = 0;
    const auto add = [&](uint8_t owner) {
        const auto end = order.begin() + count;
        if (is_active(seen, owner) && std::find(order.begin(), end, owner) == end) order[count++] = owner;
    };
    for (const int rack : seen.preferred_racks) {
        for (unsigned r = 0; r < map.replicas; ++r) {
            const uint8_t owner = map.owners[r][partition];
            if (owner < map.racks.size() && map.racks[owner] == rack) add(owner);
        }
    }
    for (unsigned r = 0; r < map.replicas; ++r) add(map.owners[r][partition]);
    return count == 0 ? walk(map, seen, partition, tried) : order[tried % count];
}

}  // namespace

const namespace_map* view::find(std::string_view name) const noexcept {
    for (const auto& map : namespaces) {
        if (map->name == name) return map.get();
    }
    return nullptr;
}

std::string view::namespace_names() const {
    std::string names;
    for (const auto& map : namespaces) {
        if (!names.empty()) names += ", ";
        names += map->name;
    }
    return names;
}

uint8_t route_by_policy(const namespace_map& map, const view& seen, unsigned partition, replica_policy policy,
                        unsigned tried) noexcept {
    switch (policy) {
        case replica_policy::master: return map.owners[0][partition];
        case replica_policy::sequence: return walk(map, seen, partition, tried);
        case replica_policy::prefer_rack: return by_rack(map, seen, partition, tried);
        case replica_policy::random: return walk(map, seen, partition, rotation++);
    }
    return no_node;
}

void restart_rotation() noexcept { rotation = 0; }

unsigned replica_count(const namespace_map& map, const view& seen, unsigned partition) noexcept {
    unsigned count = 0;
    for (unsigned r = 0; r < map.replicas; ++r) {
        const uint8_t owner = map.owners[r][partition];
        bool counted = !is_active(seen, owner);
        for (unsigned before = 0; before < r; ++before) counted |= map.owners[before][partition] == owner;
        if (!counted) ++count;
    }
    return count;
}

}  // namespace aero::cluster
