#include "cluster/partition_table.h"

#include <gtest/gtest.h>

namespace aero::cluster {
namespace {

constexpr member_id one = 1, two = 2, three = 3;
using lost = std::vector<member_id>;

struct span_of {
    unsigned replica, first, last;
};

partition_table::claims says(const std::vector<span_of>& spans, uint32_t regime = 0, uint32_t replicas = 2,
                             const std::string& name_space = "test") {
    partition_claim claim{.regime = regime, .replicas = replicas};
    for (const span_of& each : spans) {
        for (unsigned p = each.first; p < each.last; ++p) claim.held[each.replica].add(p);
    }
    return {{name_space, claim}};
}

std::string owners(const partition_table& table, unsigned partition) {
    const std::array<member_id, 3> order{one, two, three};
    const auto maps = table.maps(order);
    std::string text;
    for (unsigned r = 0; r < replicas_max; ++r) {
        const uint8_t owner = maps.at(0)->owners[r][partition];
        text += owner == no_node ? '-' : static_cast<char>('1' + owner);
    }
    return text;
}

TEST(partition_table, merges_what_each_node_says_of_itself) {
    partition_table table;
    EXPECT_EQ(table.claim(one, says({{0, 0, 2048}, {1, 2048, 4096}})), lost{});
    EXPECT_FALSE(table.complete());
    EXPECT_EQ(table.claim(two, says({{0, 2048, 4096}, {1, 0, 2048}})), lost{});
    EXPECT_TRUE(table.complete());
    EXPECT_EQ(owners(table, 0), "12-");
    EXPECT_EQ(owners(table, 4095), "21-");
    EXPECT_EQ(table.maps(std::array{one, two})[0]->replicas, 2);
    EXPECT_FALSE(table.maps(std::array{one, two})[0]->strong_consistency);
}

TEST(partition_table, the_later_of_two_claims_wins_and_tells_who_lost) {
    partition_table table;
    table.claim(one, says({{0, 0, 4096}}));
    EXPECT_EQ(table.claim(two, says({{0, 0, 10}})), lost{one});
    EXPECT_EQ(owners(table, 9), "2--");
    EXPECT_EQ(owners(table, 10), "1--");
    EXPECT_EQ(table.claim(one, says({{0, 0, 4096}})), lost{}) << "a repetition is no news";
    EXPECT_EQ(owners(table, 9), "2--");
    EXPECT_EQ(table.claim(one, says({{0, 0, 4000}})), lost{two});
    EXPECT_EQ(owners(table, 9), "1--");
}

TEST(partition_table, the_higher_regime_wins_whoever_came_later) {
    partition_table table;
    table.claim(one, says({{0, 0, 4096}}, 7));
    EXPECT_EQ(table.claim(two, says({{0, 0, 4096}}, 6)), lost{});
    EXPECT_EQ(owners(table, 0), "1--");
    EXPECT_EQ(table.claim(two, says({{0, 0, 100}}, 8)), lost{one});
    EXPECT_EQ(owners(table, 99), "2--");
    EXPECT_EQ(owners(table, 100), "1--");
    EXPECT_TRUE(table.maps(std::array{one, two})[0]->strong_consistency);
}

TEST(partition_table, a_partition_nobody_claims_stays_where_it_was) {
    partition_table table;
    table.claim(one, says({{0, 0, 4096}}));
    table.claim(one, says({{0, 10, 4096}}));
    EXPECT_EQ(owners(table, 5), "1--");
    table.claim(two, says({{0, 5, 6}}));
    EXPECT_EQ(owners(table, 5), "2--");
    EXPECT_EQ(owners(table, 6), "1--");
}

TEST(partition_table, a_node_that_became_the_master_is_not_kept_as_its_own_replica) {
    partition_table table;
    table.claim(one, says({{0, 0, 4096}}));
    table.claim(two, says({{1, 0, 4096}}));
    table.claim(two, says({{0, 0, 4096}}));
    EXPECT_EQ(owners(table, 0), "2--");
}

TEST(partition_table, a_node_that_leaves_takes_its_claims_along) {
    partition_table table;
    table.claim(one, says({{0, 0, 4096}}));
    table.claim(two, says({{0, 0, 10}}));
    table.forget(two);
    EXPECT_EQ(owners(table, 0), "1--");
    EXPECT_FALSE(table.owns_any(two));
    EXPECT_TRUE(table.owns_any(one));
    table.forget(one);
    EXPECT_TRUE(table.maps(std::array{one}).empty());
    EXPECT_FALSE(table.complete());
}

TEST(partition_table, keeps_namespaces_apart) {
    partition_table table;
    table.claim(one, says({{0, 0, 4096}}, 0, 1, "a"));
    table.claim(two, says({{0, 0, 1}}, 3, 2, "b"));
    const auto maps = table.maps(std::array{one, two});
    ASSERT_EQ(maps.size(), 2u);
    EXPECT_EQ(maps[0]->name, "a");
    EXPECT_EQ(maps[0]->owners[0][0], 0);
    EXPECT_EQ(maps[1]->owners[0][0], 1);
    EXPECT_EQ(maps[1]->owners[0][1], no_node);
    EXPECT_TRUE(table.complete()) << "one whole namespace is enough";
    table.claim(one, says({{0, 0, 4096}}, 0, 1, "c"));
    EXPECT_EQ(table.maps(std::array{one, two}).size(), 2u) << "nobody speaks of a any more";
}

TEST(partition_table, keeps_three_replicas_at_most) {
    partition_table table;
    table.claim(one, says({{0, 0, 4096}}, 0, 9));
    EXPECT_EQ(table.maps(std::array{one})[0]->replicas, 3);
}

}  // namespace
}  // namespace aero::cluster
