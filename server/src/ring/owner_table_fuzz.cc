// Input: who is alive (4 bytes), how many copies there are to be, how many nodes a partition's succession has and in
// which order, and who owns it now. The rules by which owners change keep to their word.
#include "ring/owner_table.h"

#include <algorithm>

#include "base/reader.h"
#include "testing/fuzz.h"

using namespace aero_server;

namespace {

constexpr unsigned nodes = 32;

// Different nodes in the order in which the bytes name them.
std::vector<uint8_t> nodes_of(aero::reader& from, unsigned count) {
    std::vector<uint8_t> found;
    for (unsigned i = 0; i < count; ++i) {
        const auto node = static_cast<uint8_t>(from.u8() % nodes);
        if (std::ranges::find(found, node) == found.end()) found.push_back(node);
    }
    return found;
}

bool are_different(const owner_list& owners) {
    for (size_t i = 0; i < owners.size(); ++i)
        for (size_t k = 0; k < i; ++k)
            if (owners[i].node == owners[k].node) return false;
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    aero::reader from({data, size});
    const auto alive = from.be<node_set>();
    const unsigned copies = 1 + from.u8() % (replicas_max + 1);
    const std::vector<uint8_t> succession = nodes_of(from, from.u8() % 64);
    owner_list now;
    for (const uint8_t node : nodes_of(from, from.u8() % (replicas_max + 2)))
        now.push_back({node, (from.u8() & 1) != 0});
    if (!from.ok()) return 0;

    const owner_list wanted = wanted_owners(succession, alive, copies);
    FUZZ_CHECK(wanted.size() <= copies && are_different(wanted));
    for (const owner& each : wanted) FUZZ_CHECK(contains(alive, each.node) && each.filled);

    const owner_list left = surviving_owners(now, alive, wanted, copies);
    FUZZ_CHECK(are_different(left) && left.size() <= std::max<size_t>(copies, now.size()));
    if (!left.empty()) FUZZ_CHECK(left.front().filled);
    // Nobody who has the records stands behind one that has not, and nobody who has them is forgotten.
    for (size_t i = 1; i < left.size(); ++i) FUZZ_CHECK(left[i - 1].filled || !left[i].filled);
    for (const owner& each : left) FUZZ_CHECK(contains(alive, each.node));
    for (const owner& each : now)
        if (contains(alive, each.node))
            FUZZ_CHECK(names(left, each.node) && (!each.filled || has_filled(left, each.node)));
    if (is_settled(left, wanted)) FUZZ_CHECK(same_nodes(left, wanted));
    return 0;
}
