// Input: an agreement as another member sends it. One that can be read is written as the same bytes, and whoever leaves
// or comes by it, every partition has owners who are members, and one master.
#include "ring/agreement.h"

#include <algorithm>

#include "testing/fuzz.h"

using namespace aero_server;

namespace {

void check_owners(const owner_list& owners, node_set members) {
    FUZZ_CHECK(owners.size() <= replicas_max + 1);
    for (const owner& each : owners) FUZZ_CHECK(contains(members, each.node));
    unsigned masters = 0;
    for (unsigned node = 0; node < nodes_max; ++node) {
        const ownership mine = ownership_of(owners, node);
        masters += mine.mine == duty::master;
        FUZZ_CHECK((mine.mine != duty::none) == names(owners, node));
        FUZZ_CHECK(mine.replica_count < std::max<size_t>(owners.size(), 1));
        for (unsigned i = 0; i < mine.replica_count; ++i) FUZZ_CHECK(mine.replicas[i] != node);
    }
    FUZZ_CHECK(masters == (owners.empty() ? 0u : 1u));
}

const ring_plan& plan() {
    static const ring_plan made = [] {
        std::vector<std::string> ids;
        for (unsigned i = 0; i < nodes_max; ++i) ids.push_back("N" + std::to_string(i));
        return ring_plan(ids, 2);
    }();
    return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const aero::byte_view bytes{data, size};
    const auto read = read_agreement(aero::reader(bytes));
    if (!read) return 0;
    aero::buffer again;
    append_agreement(again, *read);
    FUZZ_CHECK(aero::tests::same_bytes(again.view(), bytes));
    constexpr unsigned looked_at = 64;  // of the partitions, which are all alike
    for (unsigned id = 0; id < looked_at; ++id) check_owners(read->owners[id], read->members);
    // The lowest member leaves and the lowest other one comes.
    const node_set alive = read->members & (read->members - 1);
    const node_set coming = ~read->members & (read->members + 1);
    const agreement next = plan().next(*read, alive, coming);
    FUZZ_CHECK(next.base == read->version && next.members == (alive | coming));
    for (unsigned id = 0; id < looked_at; ++id) {
        const owner_list& owners = next.owners[id];
        check_owners(owners, next.members);
        if (!owners.empty()) FUZZ_CHECK(owners.front().filled);
    }
    plan().is_settled(next);
    return 0;
}
