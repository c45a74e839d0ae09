#include "base/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace aero {
namespace {

TEST(buffer, keeps_what_is_appended_while_it_grows) {
    buffer bytes;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        const std::string piece = std::to_string(i) + ",";
        bytes.append(piece);
        expected += piece;
    }
    EXPECT_EQ(as_text(bytes.view()), expected);
    EXPECT_GE(bytes.capacity(), bytes.size());
    EXPECT_LE(bytes.capacity(), 2 * bytes.size() + 64);
}

TEST(buffer, numbers_are_written_in_the_order_asked_for) {
    buffer bytes;
    bytes.append_be(uint32_t{0x01020304});
    bytes.append_le(uint16_t{0x0506});
    bytes.append_u8(7);
    const uint8_t expected[] = {1, 2, 3, 4, 6, 5, 7};
    EXPECT_TRUE(std::ranges::equal(bytes.view(), expected));
}

TEST(buffer, room_becomes_content_by_commit) {
    buffer bytes;
    uint8_t* at = bytes.room(100);
    EXPECT_EQ(bytes.size(), 0u);
    at[0] = 'x';
    bytes.commit(1);
    EXPECT_EQ(as_text(bytes.view()), "x");
    EXPECT_GE(bytes.free_space().size(), 99u);
}

TEST(buffer, consume_drops_from_the_front) {
    buffer bytes;
    bytes.append("abcdef");
    bytes.consume(2);
    EXPECT_EQ(as_text(bytes.view()), "cdef");
    bytes.consume(4);
    EXPECT_TRUE(bytes.empty());
    bytes.consume(0);
    EXPECT_TRUE(bytes.empty());
    buffer never_used;
    never_used.consume(0);
    EXPECT_TRUE(never_used.empty());
}

TEST(buffer, clearing_keeps_the_memory) {
    buffer bytes(1000);
    bytes.append("abc");
    const uint8_t* before = bytes.data();
    bytes.clear();
    bytes.append("xyz");
    EXPECT_EQ(bytes.data(), before);
    EXPECT_EQ(as_text(bytes.view()), "xyz");
}

TEST(buffer, moving_hands_the_bytes_on) {
    buffer first;
    first.append("abc");
    const uint8_t* memory = first.data();
    buffer second = std::move(first);
    EXPECT_EQ(second.data(), memory);
    buffer third;
    third.append("old");
    third = std::move(second);
    EXPECT_EQ(as_text(third.view()), "abc");
}

TEST(buffer, memory_can_leave_and_come_back) {
    buffer bytes;
    bytes.append("abc");
    const size_t size = bytes.size(), capacity = bytes.capacity();
    uint8_t* memory = bytes.release();
    EXPECT_EQ(bytes.size(), 0u);
    EXPECT_EQ(bytes.capacity(), 0u);
    const buffer again = buffer::adopt(memory, size, capacity);
    EXPECT_EQ(as_text(again.view()), "abc");
}

TEST(buffer, an_exact_reserve_does_not_double) {
    buffer bytes;
    bytes.append("abc");
    bytes.reserve_exactly(1001);
    EXPECT_EQ(bytes.capacity(), 1001u);
    bytes.reserve_exactly(5);
    EXPECT_EQ(bytes.capacity(), 1001u);
    EXPECT_EQ(as_text(bytes.view()), "abc");
}

}  // namespace
}  // namespace aero
