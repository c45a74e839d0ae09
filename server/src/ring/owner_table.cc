#include "ring/owner_table.h"

#include <algorithm>

namespace aero_server {

owner_list wanted_owners(const std::vector<uint8_t>& succession, node_set alive, unsigned copies) {
    owner_list wanted;
    for (const uint8_t node : succession) {
        if (!contains(alive, node)) continue;
        wanted.push_back({node, true});
        if (wanted.size() == copies) break;
    }
    return wanted;
}

owner_list surviving_owners(const owner_list& now, node_set alive, const owner_list& wanted, unsigned copies) {
    owner_list left;
    // Only a node that has the records can serve them: those come first.
    for (const bool filled : {true, false})
        for (const owner& o : now)
            if (contains(alive, o.node) && o.filled == filled) left.push_back(o);
    if (!left.empty()) left.front().filled = true;  // when all copies are lost, the partition starts empty
    for (const owner& w : wanted)
        if (!names(left, w.node) && left.size() < copies) left.push_back({w.node, left.empty()});
    return left;
}

bool same_nodes(const owner_list& a, const owner_list& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const owner& x, const owner& y) { return x.node == y.node; });
}

bool names(const owner_list& owners, unsigned node) {
    return std::any_of(owners.begin(), owners.end(), [&](const owner& o) { return o.node == node; });
}

bool has_filled(const owner_list& owners, unsigned node) {
    return std::any_of(owners.begin(), owners.end(), [&](const owner& o) { return o.node == node && o.filled; });
}

bool is_settled(const owner_list& now, const owner_list& wanted) {
    return same_nodes(now, wanted) && std::all_of(now.begin(), now.end(), [](const owner& o) { return o.filled; });
}

ownership ownership_of(const owner_list& owners, unsigned node) {
    ownership mine;
    mine.master = owners.empty() ? no_node : owners.front().node;
    for (size_t i = 0; i < owners.size(); ++i) {
        if (owners[i].node != node) continue;
        mine.rank = static_cast<uint8_t>(i);
        mine.mine = i == 0 ? duty::master : owners[i].filled ? duty::replica : duty::filling;
    }
    if (mine.mine == duty::master)
        for (size_t i = 1; i < owners.size(); ++i) mine.replicas[mine.replica_count++] = owners[i].node;
    return mine;
}

}  // namespace aero_server
