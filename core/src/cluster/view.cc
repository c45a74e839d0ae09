#include "cluster/view.h"

#include <algorithm>
#include <limits>
#include <span>

#include "metrics/counters.h"

namespace aero::cluster {
namespace {

// The replica after which random choices of this thread go on.
thread_local unsigned rotation = 0;

bool is_active(const view& seen, uint8_t owner) noexcept {
    return owner < seen.nodes.size() && seen.nodes[owner]->active();
}

bool is_good(const view& seen, uint8_t owner, nanos now) noexcept {
    if (!is_active(seen, owner)) return false;
    breaker& health = seen.nodes[owner]->health;
    return !health.open() || health.admits_probe(now);
}

// The first of the list that was not asked and is good, else not asked, else asked longest ago. Only who would have
// been asked is probed, and not by a call that has lost time already.
uint8_t best_of(const view& seen, std::span<const uint8_t> owners, const asked_nodes& asked, nanos now) noexcept {
    uint8_t best = no_node;
    unsigned least = std::numeric_limits<unsigned>::max();
    bool avoided = false;
    for (const uint8_t owner : owners) {
        if (!is_active(seen, owner)) continue;
        const bool good = is_good(seen, owner, best == no_node && asked.none() ? now : 0);
        const unsigned cost = 2 * asked.turn(seen.nodes[owner].get()) + !good;
        if (cost >= least) continue;
        avoided = good && least == cost + 1;
        least = cost;
        best = owner;
    }
    if (avoided) metrics::count(metrics::event::breaker_avoided);
    return best == no_node && !owners.empty() ? owners.front() : best;
}

// From replica `start` on, wrapping.
uint8_t walk(const namespace_map& map, const view& seen, unsigned partition, unsigned start, const asked_nodes& asked,
             nanos now) noexcept {
    std::array<uint8_t, replicas_max> order;
    unsigned count = 0;
    for (unsigned step = 0; step < map.replicas; ++step) {
        const uint8_t owner = map.owners[(start + step) % map.replicas][partition];
        if (owner != no_node) order[count++] = owner;
    }
    return best_of(seen, std::span(order).first(count), asked, now);
}

// Owners in order of preference: those on the preferred racks in the racks' order, then the rest.
uint8_t by_rack(const namespace_map& map, const view& seen, unsigned partition, const asked_nodes& asked,
                nanos now) noexcept {
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
    const unsigned preferred = count;
    for (unsigned r = 0; r < map.replicas; ++r) add(map.owners[r][partition]);
    if (count == 0) return walk(map, seen, partition, 0, asked, now);
    const uint8_t best = best_of(seen, std::span(order).first(count), asked, now);
    const auto on_racks = std::span(order).first(preferred);
    if (!seen.preferred_racks.empty() && std::ranges::find(on_racks, best) == on_racks.end())
        metrics::count(metrics::event::rack_left);
    return best;
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
                        const asked_nodes& asked, nanos now) noexcept {
    switch (policy) {
        case replica_policy::master: return map.owners[0][partition];
        case replica_policy::sequence: return walk(map, seen, partition, 0, asked, now);
        case replica_policy::prefer_rack: return by_rack(map, seen, partition, asked, now);
        case replica_policy::random: return walk(map, seen, partition, rotation++, asked, now);
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
