#include "aero/value.h"

#include <gtest/gtest.h>

namespace aero {
namespace {

TEST(value, each_content_has_its_kind) {
    EXPECT_EQ(value().type(), value::kind::nil);
    EXPECT_EQ(value(true).type(), value::kind::boolean);
    EXPECT_EQ(value(-1).type(), value::kind::integer);
    EXPECT_EQ(value(uint64_t{7}).type(), value::kind::integer) << "small enough for a sign";
    EXPECT_EQ(value(UINT64_MAX).type(), value::kind::unsigned_integer);
    EXPECT_EQ(value(1.5).type(), value::kind::real);
    EXPECT_EQ(value("text").type(), value::kind::string);
    EXPECT_EQ(value(blob{}).type(), value::kind::blob);
    EXPECT_EQ(value(list{}).type(), value::kind::list);
    EXPECT_EQ(value(map{}).type(), value::kind::map);
    EXPECT_EQ(value(geojson("{}")).type(), value::kind::geojson);
    EXPECT_EQ(value(hll{}).type(), value::kind::hll);
    EXPECT_EQ(value(raw_particle{}).type(), value::kind::raw);
    EXPECT_EQ(value::wildcard().type(), value::kind::extension);
}

TEST(value, content_is_read_by_its_type) {
    const value number = 42;
    EXPECT_EQ(number.as<int64_t>(), 42);
    EXPECT_EQ(number.if_is<std::string>(), nullptr);
    EXPECT_EQ(value(2.5).as<double>(), 2.5);
    EXPECT_TRUE(value("x").is<std::string>());
}

TEST(value, compares_by_kind_and_content) {
    EXPECT_EQ(value(1), value(int64_t{1}));
    EXPECT_NE(value(1), value(1.0));
    EXPECT_NE(value("a"), value(blob{{'a'}}));
    EXPECT_EQ(value(list{1, list{"a"}}), value(list{1, list{"a"}}));
    EXPECT_NE(value(list{1, 2}), value(list{2, 1}));
    list ordered{1};
    ordered.order = 1;
    EXPECT_NE(value(ordered), value(list{1}));
    EXPECT_NE(value(map{{1, 2}, {3, 4}}), value(map{{3, 4}, {1, 2}})) << "maps keep the order in which they came";
}

TEST(value, maps_find_their_keys) {
    const map bins{{"a", 1}, {2, list{true}}};
    ASSERT_NE(bins.find("a"), nullptr);
    EXPECT_EQ(*bins.find("a"), value(1));
    EXPECT_EQ(*bins.find(2), value(list{true}));
    EXPECT_EQ(bins.find("b"), nullptr);
}

TEST(value, copies_are_deep_and_moves_take_the_content_along) {
    value first = list{1, "a long enough text to live on the heap"};
    value second = first;
    std::get<list>(second.held()).items[0] = 2;
    EXPECT_EQ(first.as<list>().items[0], value(1));
    const value third = std::move(first);
    EXPECT_EQ(third.as<list>().items[0], value(1));
    static_assert(std::is_nothrow_move_constructible_v<value>);
    static_assert(std::is_nothrow_move_assignable_v<value>);
}

TEST(value, has_a_text_for_messages) {
    EXPECT_EQ(to_string(list{1, "a", nullptr, 2.5, blob{{0, 255}}, map{{"k", true}}}),
              "[1, \"a\", nil, 2.5, x'00ff', {\"k\": true}]");
    EXPECT_EQ(name_of(value::kind::geojson), "GeoJSON");
}

}  // namespace
}  // namespace aero
