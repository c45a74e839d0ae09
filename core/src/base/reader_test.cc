#include "base/reader.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/time.h"

namespace aero {
namespace {

constexpr uint8_t eight[] = {1, 2, 3, 4, 5, 6, 7, 8};

TEST(reader, reads_numbers_and_bytes_in_turn) {
    reader from(eight);
    EXPECT_EQ(from.u8(), 1);
    EXPECT_EQ(from.be<uint16_t>(), 0x0203);
    EXPECT_EQ(from.take(2).size(), 2u);
    EXPECT_EQ(from.remaining(), 3u);
    EXPECT_EQ(from.text(3), "\x06\x07\x08");
    EXPECT_TRUE(from.at_end());
    EXPECT_TRUE(from.ok());
}

TEST(reader, one_read_past_the_end_fails_it_for_good) {
    reader from(eight);
    from.take(6);
    EXPECT_EQ(from.be<uint32_t>(), 0u);
    EXPECT_FALSE(from.ok());
    EXPECT_TRUE(from.at_end());
    EXPECT_EQ(from.u8(), 0) << "bytes that were left are not given out after a failure";
    EXPECT_TRUE(from.take(1).empty());
    EXPECT_FALSE(from.ok());
}

TEST(reader, lengths_near_the_limit_do_not_wrap) {
    reader from(eight);
    EXPECT_TRUE(from.take(SIZE_MAX).empty());
    EXPECT_FALSE(from.ok());
}

TEST(reader, nothing_can_be_taken_from_nothing) {
    reader from(byte_view{});
    EXPECT_TRUE(from.at_end());
    EXPECT_TRUE(from.take(0).empty());
    EXPECT_TRUE(from.ok());
    from.u8();
    EXPECT_FALSE(from.ok());
}

TEST(bytes, network_order_is_big_endian_and_little_is_little) {
    EXPECT_EQ(load_be<uint64_t>(eight), 0x0102030405060708u);
    EXPECT_EQ(load_le<uint32_t>(eight), 0x04030201u);
    uint8_t out[8];
    store_be(out, uint64_t{0x0102030405060708});
    EXPECT_TRUE(std::ranges::equal(out, eight));
    store_le(out, uint32_t{0x01020304});
    EXPECT_EQ(out[0], 4);
}

TEST(time, milliseconds_round_up_so_that_a_wait_is_never_none) {
    EXPECT_EQ(to_ms_ceil(0), 0);
    EXPECT_EQ(to_ms_ceil(-5), 0);
    EXPECT_EQ(to_ms_ceil(1), 1);
    EXPECT_EQ(to_ms_ceil(1'000'000), 1);
    EXPECT_EQ(to_ms_ceil(1'000'001), 2);
    EXPECT_EQ(from_ms(3), 3'000'000);
}

TEST(time, the_clock_never_goes_back) {
    const nanos before = monotonic_now();
    EXPECT_LE(before, monotonic_now());
}

}  // namespace
}  // namespace aero
