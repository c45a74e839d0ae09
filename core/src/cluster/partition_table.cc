#include "cluster/partition_table.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"

namespace aero::cluster {
namespace {

// A node of a large cluster holds few partitions, so whole words of none are passed over.
template <class Function>
void for_each(const wire::partition_set& set, Function&& visit) {
    for (unsigned start = 0; start < wire::partitions; start += 64) {
        uint64_t word = load_be<uint64_t>(set.bits.data() + start / 8);
        while (word != 0) {
            const unsigned place = static_cast<unsigned>(std::countl_zero(word));
            visit(start + place);
            word &= ~(uint64_t{1} << 63 >> place);
        }
    }
}

}  // namespace

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
    std::array<uint32_t, wire::partitions> regimes{};
    for (const auto& [who, stands] : by_age) {
        const uint32_t regime = stands->said.regime;
        into.replicas = std::max(into.replicas, std::min<uint32_t>(stands->said.replicas, replicas_max));
        into.strong_consistency |= regime != 0;
        if (regime == 0) continue;
        for (const wire::partition_set& held : stands->said.held) {
            for_each(held, [&](unsigned p) { regimes[p] = std::max(regimes[p], regime); });
        }
    }

    owner_table next{};
    for (const auto& [who, stands] : by_age) {
        for (unsigned r = 0; r < into.replicas; ++r) {
            for_each(stands->said.held[r], [&](unsigned p) {
                if (stands->said.regime >= regimes[p]) next[r][p] = who;
            });
        }
    }
    std::vector<member_id> displaced = keep_last_owners(into, next);
    into.owners = next;
    into.held.fill(0);
    for (unsigned r = 0; r < into.replicas; ++r) {
        for (const member_id owner : next[r]) ++into.held[owner];
    }
    return displaced;
}

// Leaves a partition that nobody claims with the owner it had. Gives the members that lost one to another.
std::vector<member_id> partition_table::keep_last_owners(const space& before, owner_table& next) {
    std::vector<member_id> displaced;
    for (unsigned r = 0; r < before.replicas; ++r) {
        for (unsigned p = 0; p < wire::partitions; ++p) {
            const member_id last = before.owners[r][p];
            member_id& owner = next[r][p];
            if (last == nobody || last == owner || !before.claims.contains(last)) continue;
            if (owner == nobody) {
                bool elsewhere = false;
                for (unsigned other = 0; other < before.replicas; ++other) elsewhere |= next[other][p] == last;
                if (!elsewhere) owner = last;
            } else if (std::ranges::find(displaced, last) == displaced.end()) {
                displaced.push_back(last);
            }
        }
    }
    return displaced;
}

void partition_table::repair() {
    std::erase_if(spaces_, [](const auto& each) { return each.second == nullptr || each.second->claims.empty(); });
    for (auto& [name, place] : spaces_) merge(*place);
}

bool partition_table::owns_any(member_id who) const noexcept {
    return std::ranges::any_of(spaces_, [&](const auto& each) { return each.second->held[who] > 0; });
}

bool partition_table::complete() const noexcept {
    return std::ranges::any_of(spaces_, [](const auto& each) {
        return std::ranges::find(each.second->owners[0], nobody) == each.second->owners[0].end();
    });
}

std::vector<std::unique_ptr<namespace_map>> partition_table::maps(std::span<const member_id> order) const {
    std::array<uint8_t, 256> index;
    index.fill(no_node);
    for (size_t i = 0; i < order.size(); ++i) index[order[i]] = static_cast<uint8_t>(i);
    std::vector<std::unique_ptr<namespace_map>> made;
    for (const auto& [name, place] : spaces_) {
        auto map = std::make_unique<namespace_map>();
        map->name = name;
        map->strong_consistency = place->strong_consistency;
        map->replicas = static_cast<uint8_t>(place->replicas);
        for (unsigned r = 0; r < replicas_max; ++r) {
            for (unsigned p = 0; p < wire::partitions; ++p) map->owners[r][p] = index[place->owners[r][p]];
        }
        made.push_back(std::move(map));
    }
    return made;
}

}  // namespace aero::cluster
