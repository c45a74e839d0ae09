#include "wire/msgpack.h"

#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <string>

#include "testing/hex.h"

namespace aero::wire {
namespace {

using tests::from_hex;
using tests::to_hex;

template <class Write>
std::string packed(Write write) {
    buffer to;
    write(to);
    return to_hex(to.view());
}

// The data of a token points into the bytes: they are kept for as long as the test runs.
pack_token token_of(std::string_view text, bool raw = false) {
    static std::deque<std::vector<uint8_t>> kept;
    reader from{byte_view(kept.emplace_back(from_hex(text)))};
    pack_token token;
    EXPECT_TRUE(read_token(from, token, raw)) << text;
    return token;
}

TEST(pack, integers_take_the_shortest_form) {
    const std::pair<int64_t, std::string_view> cases[] = {{0, "00"},
                                                          {127, "7f"},
                                                          {128, "cc80"},
                                                          {255, "ccff"},
                                                          {256, "cd0100"},
                                                          {65535, "cdffff"},
                                                          {65536, "ce00010000"},
                                                          {4294967295, "ceffffffff"},
                                                          {4294967296, "cf0000000100000000"},
                                                          {std::numeric_limits<int64_t>::max(), "cf7fffffffffffffff"},
                                                          {-1, "ff"},
                                                          {-32, "e0"},
                                                          {-33, "d0df"},
                                                          {-128, "d080"},
                                                          {-129, "d1ff7f"},
                                                          {-32768, "d18000"},
                                                          {-32769, "d2ffff7fff"},
                                                          {-2147483648LL, "d280000000"},
                                                          {-2147483649LL, "d3ffffffff7fffffff"},
                                                          {std::numeric_limits<int64_t>::min(), "d38000000000000000"}};
    for (const auto& [number, bytes] : cases) {
        EXPECT_EQ(packed([&](buffer& to) { pack_integer(to, number); }), bytes) << number;
        const pack_token token = token_of(bytes);
        EXPECT_EQ(token.kind, pack_kind::integer);
        EXPECT_EQ(token.integer, number);
    }
}

TEST(pack, integers_above_int64_are_a_kind_of_their_own) {
    EXPECT_EQ(packed([](buffer& to) { pack_unsigned(to, UINT64_MAX); }), "cfffffffffffffffff");
    const pack_token token = token_of("cfffffffffffffffff");
    EXPECT_EQ(token.kind, pack_kind::unsigned_integer);
    EXPECT_EQ(token.unsigned_integer, UINT64_MAX);
}

TEST(pack, floats_keep_their_width) {
    EXPECT_EQ(packed([](buffer& to) { pack_double(to, 1.5); }), "cb3ff8000000000000");
    EXPECT_EQ(packed([](buffer& to) { pack_single(to, 1.5f); }), "ca3fc00000");
    EXPECT_TRUE(token_of("ca3fc00000").single);
    EXPECT_FALSE(token_of("cb3ff8000000000000").single);
    EXPECT_EQ(token_of("ca3fc00000").floating, 1.5);
}

TEST(pack, strings_carry_their_particle_type) {
    EXPECT_EQ(packed([](buffer& to) { pack_bytes(to, particle::string, as_bytes("x")); }), "a20378");
    const pack_token token = token_of("a20378");
    EXPECT_EQ(token.kind, pack_kind::bytes);
    EXPECT_EQ(token.type, particle::string);
    EXPECT_EQ(as_text(token.data), "x");
    EXPECT_EQ(token_of("c40204ff").type, particle::blob) << "bin headers are read too";
}

TEST(pack, string_heads_grow_with_the_length) {
    for (const size_t size : {30u, 31u, 254u, 255u, 65534u, 65535u}) {
        const std::string text(size, 'x');
        buffer to;
        pack_bytes(to, particle::string, as_bytes(text));
        const size_t head = size + 1 < 32 ? 1 : size + 1 < 256 ? 2 : size + 1 < 65536 ? 3 : 5;
        EXPECT_EQ(to.size(), head + 1 + size);
        reader from(to.view());
        pack_token token;
        ASSERT_TRUE(read_token(from, token));
        EXPECT_EQ(as_text(token.data), text);
        EXPECT_TRUE(from.at_end());
    }
}

TEST(pack, raw_strings_have_no_type_byte) {
    EXPECT_EQ(packed([](buffer& to) { pack_raw_string(to, "age"); }), "a3616765");
    EXPECT_EQ(as_text(token_of("a3616765", true).data), "age");
    EXPECT_EQ(token_of("a0").type, particle::null) << "an empty payload has no type byte to take off";
}

TEST(pack, containers_announce_their_count) {
    EXPECT_EQ(packed([](buffer& to) { pack_list(to, 15); }), "9f");
    EXPECT_EQ(packed([](buffer& to) { pack_list(to, 16); }), "dc0010");
    EXPECT_EQ(packed([](buffer& to) { pack_list(to, 65536); }), "dd00010000");
    EXPECT_EQ(packed([](buffer& to) { pack_map(to, 15); }), "8f");
    EXPECT_EQ(packed([](buffer& to) { pack_map(to, 16); }), "de0010");
    EXPECT_EQ(packed([](buffer& to) { pack_map(to, 65536); }), "df00010000");
    EXPECT_EQ(token_of("dd00010000").count, 65536u);
    EXPECT_EQ(token_of("de0010").kind, pack_kind::map);
}

TEST(order_marker, is_an_extension_that_is_not_a_wildcard) {
    EXPECT_TRUE(is_order_marker(token_of("c70001")));
    EXPECT_TRUE(is_order_marker(token_of("d40100")));
    EXPECT_EQ(token_of("c70001").extension_type, 1);
    EXPECT_FALSE(is_order_marker(token_of("d4ff00"))) << "wildcard";
    EXPECT_FALSE(is_order_marker(token_of("d4ff01"))) << "infinity";
    EXPECT_FALSE(is_order_marker(token_of("c0")));
    EXPECT_EQ(packed([](buffer& to) { pack_extension(to, 1, {}); }), "c70001");
}

TEST(read_token, fails_at_every_cut) {
    for (const std::string_view text :
         {"cc80", "cd0100", "ce00010000", "cf0000000100000000", "d0df", "d1ff7f", "d2ffff7fff", "d3ffffffff7fffffff",
          "ca3fc00000", "cb3ff8000000000000", "a20378", "d9020378", "da00020378", "db000000020378", "c4020378",
          "c70001", "d40100", "dc0010", "df00010000"}) {
        const auto bytes = from_hex(text);
        for (size_t size = 0; size < bytes.size(); ++size) {
            reader from(byte_view(bytes).first(size));
            pack_token token;
            EXPECT_FALSE(read_token(from, token)) << text << " cut to " << size;
            EXPECT_FALSE(from.ok());
        }
    }
}

TEST(read_token, refuses_the_byte_that_msgpack_never_uses) {
    const auto bytes = from_hex("c1");
    reader from{byte_view(bytes)};
    pack_token token;
    EXPECT_FALSE(read_token(from, token));
}

bool skips(const std::vector<uint8_t>& bytes, size_t left = 0) {
    reader from{byte_view(bytes)};
    return skip_value(from) && from.remaining() == left;
}

TEST(skip_value, passes_over_one_whole_value) {
    EXPECT_TRUE(skips(from_hex("01 02"), 1));
    EXPECT_TRUE(skips(from_hex("93 01 92 02 03 81 a20361 c0 ff"), 1));
    EXPECT_TRUE(skips(from_hex("82 c70001 c0 a20361 03")));
    EXPECT_TRUE(skips(from_hex("90")));
    EXPECT_FALSE(skips(from_hex("92 01")));
    EXPECT_FALSE(skips(from_hex("ddffffffff 01"))) << "a count without bytes";
    EXPECT_FALSE(skips(from_hex("dfffffffff 01"))) << "a count that doubles beyond 32 bits";
}

TEST(skip_value, stops_at_the_depth_limit) {
    for (const bool above : {false, true}) {
        std::vector<uint8_t> bytes(depth_max + above, 0x91);
        bytes.push_back(0x01);
        EXPECT_EQ(skips(bytes), !above);
    }
    EXPECT_FALSE(skips(std::vector<uint8_t>(1'000'000, 0x91)));
}

}  // namespace
}  // namespace aero::wire
