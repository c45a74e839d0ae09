#include "cluster/partition_table.h"

#include <algorithm>

namespace aero::cluster {

std::vector<member_id> partition_table::claim(member_id who, const claims& said) {
    std::vector<member_id> displaced;
    for (const auto& [name, claimed] : said) {
        auto& place = spaces_[name];
        if (place == nullptr) place = std::make_unique<space>();
        standing& stands = place->claims[who];
        if (stands.changed != 0 && stands.said == claimed) continue;  // nothing new: a repetition overrules nobody
        stands = {claimed, ++changes_};
        for (const member_id lost : merge(*place)) {
            if (lost != who && std::ranges::find(displaced, lost) == displaced.end()) displaced.push_back(lost);
        }
    }
    for (auto& [name, place] : spaces_) {
        if (!said.contains(name) && place->claims.erase(who) != 0) merge(*place);
    }
    std::erase_if(spaces_, [](const auto& each) { return each.second->claims.empty(); });
    return displaced;
}

void partition_table::forget(member_id who) {
    for (auto& [name, place] : spaces_) {
        if (place->claims.erase(who) != 0) merge(*place);
    }
    std::erase_if(spaces_, [](const auto& each) { return each.second->claims.empty(); });
}

// Works the owners out anew from all claims. Gives the members that lost something to another.
std::vector<member_id> partition_table::merge(space& into) {
    std::vector<std::pair<member_id, const standing*>> by_age;
    for (const auto& [who, stands] : into.claims) by_age.emplace_back(who, &stands);
    std::ranges::sort(by_age, {}, [](const auto& each) { return each.second->changed; });

    into.replicas = 1;
    into.strong_consistency = false;
    auto regimes = std::make_unique<std::array<uint32_t, wire::partitions>>();
    for (const auto& [who, stands] : by_age) {
        into.replicas = std::max(into.replicas, std::min<uint32_t>(stands->said.replicas, replicas_max));
        into.strong_consistency |= stands->said.regime != 0;
        if (stands->said.regime == 0) continue;
        for (const wire::partition_set& held : stands->said.held) {
            for (unsigned p = 0; p < wire::partitions; ++p) {
                if (held.has(p)) (*regimes)[p] = std::max((*regimes)[p], stands->said.regime);
            }
        }
    }

    auto next = std::make_unique<std::array<std::array<member_id, wire::partitions>, replicas_max>>();
    for (const auto& [who, stands] : by_age) {
        for (unsigned r = 0; r < into.replicas; ++r) {
            const wire::partition_set& held = stands->said.held[r];
            for (unsigned p = 0; p < wire::partitions; ++p) {
                if (held.has(p) && stands->said.regime >= (*regimes)[p]) (*next)[r][p] = who;
            }
        }
    }

    std::vector<member_id> displaced;
    for (unsigned r = 0; r < into.replicas; ++r) {
        for (unsigned p = 0; p < wire::partitions; ++p) {
            const member_id before = into.owners[r][p];
            member_id& after = (*next)[r][p];
            if (before == nobody || before == after || !into.claims.contains(before)) continue;
            if (after == nobody) {
                bool elsewhere = false;
                for (unsigned other = 0; other < into.replicas; ++other) elsewhere |= (*next)[other][p] == before;
                if (!elsewhere) after = before;
            } else if (std::ranges::find(displaced, before) == displaced.end()) {
                displaced.push_back(before);
            }
        }
    }
    into.owners = *next;
    return displaced;
}

bool partition_table::owns_any(member_id who) const noexcept {
    for (const auto& [name, place] : spaces_) {
        for (unsigned r = 0; r < place->replicas; ++r) {
            if (std::ranges::find(place->owners[r], who) != place->owners[r].end()) return true;
        }
    }
    return false;
}

bool partition_table::complete() const noexcept {
    return std::ranges::any_of(spaces_, [](const auto& each) {
        return std::ranges::find(each.second->owners[0], nobody) == each.second->owners[0].end();
    });
}

std::vector<std::unique_ptr<namespace_map>> partition_table::maps(std::span<const member_id> order) const {
    std::map<member_id, uint8_t> index{{nobody, no_node}};
    for (size_t i = 0; i < order.size(); ++i) index[order[i]] = static_cast<uint8_t>(i);
    std::vector<std::unique_ptr<namespace_map>> made;
    for (const auto& [name, place] : spaces_) {
        auto map = std::make_unique<namespace_map>();
        map->name = name;
        map->strong_consistency = place->strong_consistency;
        map->replicas = static_cast<uint8_t>(place->replicas);
        for (unsigned r = 0; r < replicas_max; ++r) {
            for (unsigned p = 0; p < wire::partitions; ++p) {
                const auto found = index.find(place->owners[r][p]);
                map->owners[r][p] = found == index.end() ? no_node : found->second;
            }
        }
        made.push_back(std::move(map));
    }
    return made;
}

}  // namespace aero::cluster
