#include "cluster/breaker.h"

#include <gtest/gtest.h>

#include "cluster/view.h"

namespace aero::cluster {
namespace {

constexpr nanos second = from_ms(1000);

void fail(breaker& which, bool silent, nanos now, unsigned times = breaker::failures_to_open) {
    for (unsigned i = 0; i < times; ++i) which.failed(silent, now);
}

TEST(breaker, opens_after_failures_in_a_row_and_an_answer_between_them_begins_anew) {
    breaker at(true);
    fail(at, false, second, breaker::failures_to_open - 1);
    at.answered();
    fail(at, false, second, breaker::failures_to_open - 1);
    EXPECT_FALSE(at.open());
    at.failed(false, second);
    EXPECT_TRUE(at.open());
    at.answered();
    EXPECT_FALSE(at.open());
}

TEST(breaker, failures_far_apart_do_not_open_it) {
    breaker at(true);
    for (int i = 1; i < 20; ++i) {
        at.failed(true, i * breaker::window * 2 / 3);
        EXPECT_FALSE(at.open()) << i;
    }
}

TEST(breaker, switched_off_it_never_opens) {
    breaker at(false);
    fail(at, true, second, 50);
    EXPECT_FALSE(at.open());
}

TEST(breaker, lets_one_probe_through_when_its_time_is_over_and_waits_longer_after_each_that_fails) {
    breaker at(true);
    nanos now = second;
    fail(at, true, now);
    EXPECT_FALSE(at.admits_probe(0));
    for (nanos longest = breaker::open_first; longest < 2 * breaker::open_max; longest *= 2) {
        now += std::min(longest, breaker::open_max) + 1;
        EXPECT_TRUE(at.admits_probe(now)) << longest;
        EXPECT_FALSE(at.admits_probe(now)) << "one is enough";
        at.failed(true, now);
        EXPECT_TRUE(at.open());
    }
    // Those that fail without having been let through change nothing.
    now += breaker::open_max + 1;
    at.failed(true, now);
    EXPECT_TRUE(at.admits_probe(now));
    EXPECT_TRUE(at.admits_probe(now + breaker::open_max + 1)) << "the last one was never heard of again";
    at.answered();
    EXPECT_FALSE(at.open());
}

TEST(breaker, an_answer_to_the_tender_closes_it_but_for_a_node_that_leaves_calls_unanswered) {
    breaker refused(true), silent(true);
    fail(refused, false, second);
    fail(silent, true, second);
    const nanos later = second + breaker::open_first + 1;
    refused.tended(false, later);
    silent.tended(false, later);
    EXPECT_FALSE(refused.open());
    EXPECT_TRUE(silent.open());
    EXPECT_TRUE(silent.admits_probe(later));
    silent.failed(true, later);
    silent.tended(false, later);
    EXPECT_FALSE(silent.admits_probe(second)) << "it always answered its tender";
    silent.tended(true, second);
    EXPECT_TRUE(silent.admits_probe(second)) << "it is worth a try at once";
    silent.answered();
    EXPECT_FALSE(silent.open());
}

// Three nodes; partition 0 is held by 0, 1, 2 in that order, partition 1 by 1 alone.
struct three_nodes {
    view seen;
    namespace_map map;
    three_nodes() {
        for (const char* name : {"A", "B", "C"})
            seen.nodes.push_back(std::make_shared<node>(name, io::numeric_endpoint("10.0.0.1", 3000).value()));
        map.name = "test";
        map.replicas = 3;
        for (auto& replica : map.owners) replica.fill(no_node);
        for (uint8_t r = 0; r < 3; ++r) map.owners[r][0] = r;
        map.owners[0][1] = 1;
    }
    void open(unsigned which) { fail(seen.nodes[which]->health, true, second); }
    uint8_t choose(replica_policy policy, std::initializer_list<unsigned> asked, unsigned partition = 0,
                   nanos now = second) const {
        asked_nodes before;
        for (const unsigned each : asked) before.add(seen.nodes[each].get());
        return route(map, seen, partition, policy, before, now);
    }
};

TEST(route, passes_over_nodes_whose_breaker_is_open_while_there_is_a_good_one) {
    three_nodes at;
    at.open(0);
    const nanos before_any_probe = 0;
    EXPECT_EQ(at.choose(replica_policy::sequence, {}, 0, before_any_probe), 1);
    EXPECT_EQ(at.choose(replica_policy::sequence, {1}, 0, before_any_probe), 2);
    EXPECT_EQ(at.choose(replica_policy::prefer_rack, {}, 0, before_any_probe), 1);
    EXPECT_EQ(at.choose(replica_policy::master, {}, 0, before_any_probe), 0) << "there is but one master";
    for (int i = 0; i < 9; ++i) EXPECT_NE(at.choose(replica_policy::random, {}, 0, before_any_probe), 0);
}

TEST(route, asks_a_node_whose_breaker_is_open_rather_than_one_that_has_just_failed_the_call) {
    three_nodes at;
    at.open(0);
    for (const replica_policy policy :
         {replica_policy::sequence, replica_policy::prefer_rack, replica_policy::random}) {
        EXPECT_EQ(at.choose(policy, {1, 2}, 0, 0), 0);
        EXPECT_EQ(at.choose(policy, {2, 0}, 0, 0), 1);
    }
    EXPECT_EQ(at.choose(replica_policy::sequence, {1}, 1), 1) << "the only owner";
}

TEST(route, asks_the_best_there_is_when_every_breaker_is_open) {
    three_nodes at;
    for (const unsigned each : {0u, 1u, 2u}) at.open(each);
    EXPECT_EQ(at.choose(replica_policy::sequence, {}, 0, 0), 0) << "as if all were closed";
    EXPECT_EQ(at.choose(replica_policy::sequence, {0}, 0, 0), 1);
    EXPECT_EQ(at.choose(replica_policy::sequence, {0, 1}, 0, 0), 2);
    EXPECT_EQ(at.choose(replica_policy::sequence, {}, 1, 0), 1) << "the only owner";
    at.seen.nodes[0]->deactivate();
    EXPECT_EQ(at.choose(replica_policy::sequence, {}, 0, 0), 1);
}

TEST(route, sends_one_read_to_see_when_the_time_is_over) {
    three_nodes at;
    at.open(0);
    const nanos later = second + breaker::open_first + 1;
    EXPECT_EQ(at.choose(replica_policy::sequence, {2}, 0, later), 1) << "a call that has lost time does not probe";
    EXPECT_EQ(at.choose(replica_policy::sequence, {}, 0, later), 0);
    EXPECT_EQ(at.choose(replica_policy::sequence, {}, 0, later), 1);
}

}  // namespace
}  // namespace aero::cluster
