#include "cluster/view.h"

#include <gtest/gtest.h>

#include <set>

#include "metrics/counters.h"

namespace aero::cluster {
namespace {

// Three nodes; partition 0 is held by 0, 1, 2 in that order, partition 1 by 1 alone, partition 2 by nobody.
struct three_nodes {
    view seen;
    namespace_map map;
    three_nodes() {
        for (const char* name : {"A", "B", "C"}) {
            seen.nodes.push_back(std::make_shared<node>(name, io::numeric_endpoint("10.0.0.1", 3000).value()));
        }
        map.name = "test";
        map.replicas = 3;
        for (auto& replica : map.owners) replica.fill(no_node);
        for (uint8_t r = 0; r < 3; ++r) map.owners[r][0] = r;
        map.owners[0][1] = 1;
    }
    uint8_t choose(replica_policy policy, std::initializer_list<unsigned> asked, unsigned partition = 0) const {
        asked_nodes before;
        for (const unsigned each : asked) before.add(seen.nodes[each].get());
        return route(map, seen, partition, policy, before, 0);
    }
};

TEST(route, master_asks_the_master_always) {
    three_nodes at;
    at.seen.nodes[0]->deactivate();
    EXPECT_EQ(at.choose(replica_policy::master, {}), 0);
    EXPECT_EQ(at.choose(replica_policy::master, {0}), 0);
}

TEST(route, sequence_walks_on_and_wraps) {
    three_nodes at;
    EXPECT_EQ(at.choose(replica_policy::sequence, {}), 0);
    EXPECT_EQ(at.choose(replica_policy::sequence, {0}), 1);
    EXPECT_EQ(at.choose(replica_policy::sequence, {0, 1}), 2);
    EXPECT_EQ(at.choose(replica_policy::sequence, {0, 1, 2}), 0);
    EXPECT_EQ(at.choose(replica_policy::sequence, {1, 2, 0}), 1);
    EXPECT_EQ(at.choose(replica_policy::sequence, {0, 0}), 1);
    EXPECT_EQ(at.choose(replica_policy::sequence, {1}, 1), 1) << "the only owner";
    EXPECT_EQ(at.choose(replica_policy::sequence, {}, 2), no_node);
}

TEST(route, goes_on_with_who_was_not_asked_when_the_owners_change_between_two_attempts) {
    three_nodes at;
    at.map.replicas = 2;
    EXPECT_EQ(at.choose(replica_policy::sequence, {0}), 1);
    at.map.owners[1][0] = 2;
    EXPECT_EQ(at.choose(replica_policy::sequence, {0, 1}), 2);
}

TEST(route, passes_over_nodes_that_left_while_there_is_another) {
    three_nodes at;
    at.seen.nodes[0]->deactivate();
    EXPECT_EQ(at.choose(replica_policy::sequence, {}), 1);
    at.seen.nodes[1]->deactivate();
    EXPECT_EQ(at.choose(replica_policy::sequence, {2}), 2);
    EXPECT_EQ(at.choose(replica_policy::sequence, {}, 1), 1) << "the only owner is better than none";
}

TEST(route, random_spreads_over_all_replicas_and_repeats_itself_from_a_fresh_start) {
    three_nodes at;
    restart_rotation();
    std::vector<uint8_t> first;
    for (int i = 0; i < 9; ++i) first.push_back(at.choose(replica_policy::random, {}));
    EXPECT_EQ(std::set<uint8_t>(first.begin(), first.end()).size(), 3u);
    restart_rotation();
    for (int i = 0; i < 9; ++i) EXPECT_EQ(at.choose(replica_policy::random, {}), first[static_cast<size_t>(i)]);
}

TEST(route, prefers_racks_in_their_order_and_walks_to_the_others) {
    three_nodes at;
    at.map.racks = {10, 20, 30};
    at.seen.preferred_racks = {30, 20};
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}), 2);
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {2}), 1);
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {2, 1}), 0);
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {2, 1, 0}), 2);
    at.seen.nodes[2]->deactivate();
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}), 1);
    at.map.racks.clear();
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}), 0) << "racks unknown: as sequence";
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}, 2), no_node);
}

TEST(route, takes_the_replicas_in_their_order_within_one_rack) {
    three_nodes at;
    at.map.racks = {10, 20, 20};
    at.seen.preferred_racks = {20};
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}), 1);
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {1}), 2);
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {1, 2}), 0);
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}, 1), 1) << "one owner only, of that rack";
    at.seen.preferred_racks = {99, 10, 10};
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}), 0) << "nobody is on the first, named twice is named once";
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {0}), 1);
    at.seen.preferred_racks = {99};
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}), 0) << "nobody on any: as sequence";
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {0}), 1);
}

TEST(route, counts_reads_that_leave_the_preferred_racks) {
    three_nodes at;
    at.map.racks = {10, 20, 30};
    const auto left_by = [&](std::initializer_list<unsigned> asked,
                             replica_policy policy = replica_policy::prefer_rack) {
        const uint64_t before = metrics::count_of(metrics::event::rack_left);
        at.choose(policy, asked);
        return metrics::count_of(metrics::event::rack_left) - before;
    };
    EXPECT_EQ(left_by({}), 0u) << "no racks are preferred";
    at.seen.preferred_racks = {30, 20};
    EXPECT_EQ(left_by({}), 0u);
    EXPECT_EQ(left_by({2}), 0u) << "the second is preferred too";
    EXPECT_EQ(left_by({2, 1}), 1u);
    EXPECT_EQ(left_by({}, replica_policy::sequence), 0u) << "a read that prefers none";
    at.map.racks.clear();
    EXPECT_EQ(left_by({}), 1u) << "the server knows no racks";
}

TEST(replica_count, counts_distinct_active_owners) {
    three_nodes at;
    EXPECT_EQ(replica_count(at.map, at.seen, 0), 3u);
    at.map.owners[2][0] = 0;
    EXPECT_EQ(replica_count(at.map, at.seen, 0), 2u);
    at.seen.nodes[0]->deactivate();
    EXPECT_EQ(replica_count(at.map, at.seen, 0), 1u);
    EXPECT_EQ(replica_count(at.map, at.seen, 2), 0u);
}

TEST(view, finds_namespaces_by_name) {
    view seen;
    for (const char* name : {"a", "b"}) {
        auto map = std::make_unique<namespace_map>();
        map->name = name;
        seen.namespaces.push_back(std::move(map));
    }
    ASSERT_NE(seen.find("b"), nullptr);
    EXPECT_EQ(seen.find("b")->name, "b");
    EXPECT_EQ(seen.find("c"), nullptr);
    EXPECT_EQ(seen.namespace_names(), "a, b");
}

}  // namespace
}  // namespace aero::cluster
