#include "wire/particle.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "testing/hex.h"
#include "wire/msgpack.h"

namespace aero {
void PrintTo(const value& of, std::ostream* out) { *out << to_string(of); }
}  // namespace aero

namespace aero::wire {
namespace {

using tests::from_hex;
using tests::hex;
using tests::to_hex;

value decoded(particle type, std::string_view text) {
    const result<value> got = decode_particle(type, from_hex(text));
    EXPECT_TRUE(got) << got.error().text;
    return got ? *got : value("nothing");
}
std::string encoded(const value& of, particle type) {
    buffer to;
    const result<particle> got = append_particle(to, of);
    EXPECT_TRUE(got) << got.error().text;
    EXPECT_EQ(got.value_or(particle::null), type);
    return to_hex(to.view());
}
void expect_both_ways(const value& of, particle type, std::string_view text) {
    EXPECT_EQ(encoded(of, type), hex(text));
    EXPECT_EQ(decoded(type, text), of);
}

TEST(particle, every_kind_goes_both_ways) {
    expect_both_ways(nullptr, particle::null, "");
    expect_both_ways(7, particle::integer, "0000000000000007");
    expect_both_ways(std::numeric_limits<int64_t>::min(), particle::integer, "8000000000000000");
    expect_both_ways(1.5, particle::floating, "3ff8000000000000");
    expect_both_ways("h\u00e9llo", particle::string, "68c3a96c6c6f");
    expect_both_ways("", particle::string, "");
    expect_both_ways(blob{{0, 1}}, particle::blob, "0001");
    expect_both_ways(true, particle::boolean, "01");
    expect_both_ways(false, particle::boolean, "00");
    expect_both_ways(hll{{0, 14, 0}}, particle::hll, "000e00");
    expect_both_ways(geojson("{}"), particle::geojson, "00 0000 7b7d");
    expect_both_ways(raw_particle{{1, 2}, 9}, particle::python_blob, "0102");
    expect_both_ways(list{1, "a", nullptr, list{2.5, blob{{'x'}}}}, particle::list,
                     "94 01 a20361 c0 92 cb4004000000000000 a20478");
    expect_both_ways(map{{2, "b"}, {"z", 1}}, particle::map, "82 02 a20362 a2037a 01");
    expect_both_ways(list{UINT64_MAX, real{1.5, true}, true, geojson("{}")}, particle::list,
                     "94 cfffffffffffffffff ca3fc00000 c3 a3177b7d");
}

TEST(particle, order_markers_become_flags_and_markers_again) {
    list ordered{1, 2, 3};
    ordered.order = 1;
    expect_both_ways(ordered, particle::list, "94 c70001 01 02 03");
    map by_key{{"a", 3}};
    by_key.order = 1;
    expect_both_ways(by_key, particle::map, "82 c70001 c0 a20361 03");
    map nested{{"l", ordered}};
    nested.order = 3;
    expect_both_ways(nested, particle::map, "82 c70003 c0 a2036c 94 c70001 01 02 03");
    EXPECT_EQ(decoded(particle::list, "94 d40100 01 02 03"), value(ordered)) << "the other spelling";
    EXPECT_EQ(decoded(particle::list, "91 c70001").as<list>().items.size(), 0u) << "an empty ordered list";
}

TEST(particle, wildcard_and_infinity_are_elements) {
    buffer to;
    ASSERT_TRUE(pack_value(to, list{value::wildcard(), value::infinity()}));
    EXPECT_EQ(to_hex(to.view()), hex("92 d4ff00 d4ff01"));
    reader from(to.view());
    EXPECT_EQ(*unpack_value(from), value(list{value::wildcard(), value::infinity()}));
}

TEST(particle, short_integers_are_zero_extended) {
    EXPECT_EQ(decoded(particle::integer, "ff"), value(255));
    EXPECT_EQ(decoded(particle::integer, "ffff"), value(65535));
    EXPECT_EQ(decoded(particle::integer, "ffffffff"), value(4294967295));
}

TEST(particle, cells_before_geojson_text_are_carried_and_not_compared) {
    const value with_cell = decoded(particle::geojson, "01 0001 1b4a5f93e10dd17b 7b7d");
    EXPECT_EQ(with_cell.as<geojson>().text(), "{}");
    EXPECT_EQ(with_cell, value(geojson("{}")));
    EXPECT_EQ(encoded(with_cell, particle::geojson), hex("01 0001 1b4a5f93e10dd17b 7b7d"));
}

TEST(particle, bytes_that_are_no_value_are_a_bad_reply) {
    const std::pair<particle, std::string_view> cases[] = {
        {particle::null, "00"},
        {particle::integer, ""},
        {particle::integer, "000102"},
        {particle::floating, "00000000"},
        {particle::boolean, ""},
        {particle::boolean, "02"},
        {particle::boolean, "0101"},
        {particle::geojson, "0000"},
        {particle::geojson, "00 0001 1b4a5f93"},
        {particle::list, ""},
        {particle::list, "01"},
        {particle::list, "80"},
        {particle::map, "90"},
        {particle::list, "92 01"},
        {particle::list, "91 01 02"},
        {particle::list, "ddffffffff 01"},
        {particle::map, "dfffffffff 01 02"},
        {particle::map, "81 01"},
        {particle::map, "81 c70001 01"},
        {particle::list, "91 c1"},
    };
    for (const auto& [type, text] : cases) {
        const result<value> got = decode_particle(type, from_hex(text));
        ASSERT_FALSE(got) << static_cast<int>(type) << " " << text;
        EXPECT_EQ(got.error().what, code::bad_reply);
        EXPECT_FALSE(got.error().text.empty());
    }
}

value nested_lists(unsigned depth) {
    value inner = list{};
    for (unsigned i = 1; i < depth; ++i) {
        list around;
        around.items.push_back(std::move(inner));
        inner = std::move(around);
    }
    return inner;
}

TEST(particle, depth_has_a_limit_both_ways) {
    buffer to;
    EXPECT_TRUE(append_particle(to, nested_lists(depth_max)));
    EXPECT_TRUE(decode_particle(particle::list, to.view()));
    const result<particle> refused = append_particle(to, nested_lists(depth_max + 1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, code::invalid_argument);
    const std::vector<uint8_t> deep(100'000, 0x91);
    const result<value> bad = decode_particle(particle::list, deep);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().what, code::bad_reply);
}

TEST(particle, what_no_server_takes_is_refused_and_leaves_nothing_behind) {
    const value cases[] = {
        UINT64_MAX,        value::wildcard(), raw_particle{{1}, 99}, list{1, map{{1.5, 2}}},
        map{{nullptr, 1}}, map{{true, 1}},    map{{list{}, 1}},      list{extension{{}, 1}, 2},
    };
    for (const value& of : cases) {
        buffer to;
        to.append("before");
        const result<particle> got = append_particle(to, of);
        ASSERT_FALSE(got) << to_string(of);
        EXPECT_EQ(got.error().what, code::invalid_argument);
        EXPECT_EQ(as_text(to.view()), "before") << to_string(of);
    }
}

TEST(value_op, is_written_whole_or_not_at_all) {
    buffer to;
    ASSERT_TRUE(append_value_op(to, op_code::write, "age", 30));
    EXPECT_EQ(to_hex(to.view()), hex("0000000f 02 01 00 03 616765 000000000000001e"));
    EXPECT_FALSE(append_value_op(to, op_code::write, "age", UINT64_MAX));
    EXPECT_EQ(to.size(), 19u);
    const auto too_long = append_value_op(to, op_code::write, "sixteen_letters_", 1);
    ASSERT_FALSE(too_long);
    EXPECT_EQ(too_long.error().text, "Bin name 'sixteen_letters_' exceeds the 15-byte limit (16 bytes)");
    EXPECT_EQ(to.size(), 19u);
    EXPECT_TRUE(append_value_op(to, op_code::write, "fifteen_letters", nullptr));
}

}  // namespace
}  // namespace aero::wire
