#include "base/buffer_pool.h"

#include <gtest/gtest.h>

#include <thread>

namespace aero {
namespace {

// In a thread of its own, so that its pool is empty.
template <class Body>
void with_fresh_pool(Body body) {
    std::thread(body).join();
}

const uint8_t* recycled(size_t capacity) {
    buffer made(capacity);
    const uint8_t* at = made.data();
    recycle(std::move(made));
    return at;
}

// Whether it is the buffer that was recycled. Had that been freed, those made first would stand in its place.
bool is_given_again(const uint8_t* recycled_at, size_t capacity) {
    const buffer squatters[] = {buffer(capacity), buffer(capacity), buffer(capacity)};
    return take_buffer(capacity).data() == recycled_at;
}

TEST(buffer_pool, gives_the_smallest_large_buffer_that_fits) {
    with_fresh_pool([] {
        const uint8_t* large = recycled(200'000);
        const uint8_t* middle = recycled(100'000);
        const uint8_t* other = recycled(300'000);
        const buffer first = take_buffer(90'000);
        EXPECT_EQ(first.data(), middle);
        EXPECT_TRUE(first.empty());
        const buffer second = take_buffer(90'000);
        EXPECT_EQ(second.data(), large);
        const buffer third = take_buffer(250'000);
        EXPECT_EQ(third.data(), other);
        EXPECT_GE(take_buffer(90'000).capacity(), 90'000u) << "none is left";
    });
}

TEST(buffer_pool, gives_none_larger_than_is_wanted) {
    with_fresh_pool([] {
        const uint8_t* large = recycled(200'000);
        EXPECT_LE(take_buffer(100'000, 125'000).capacity(), 125'000u);
        EXPECT_EQ(take_buffer(100'000, 200'000).data(), large);
    });
}

TEST(buffer_pool, keeps_small_and_large_apart) {
    with_fresh_pool([] {
        const uint8_t* large = recycled(1 << 20);
        const uint8_t* small = recycled(4096);
        EXPECT_TRUE(is_given_again(small, 200));
        EXPECT_TRUE(is_given_again(large, 20'000));
    });
}

TEST(buffer_pool, what_has_rested_longest_makes_room_for_what_is_used) {
    with_fresh_pool([] {
        for (size_t i = 0; i < pooled_buffers_max / 2; ++i) recycle(buffer(10'000));
        const uint8_t* wanted = recycled(180'000);
        EXPECT_TRUE(is_given_again(wanted, 180'000));
        for (int i = 0; i < 7; ++i) recycle(buffer(1 << 20));
        const uint8_t* last = recycled(2 << 20);
        EXPECT_TRUE(is_given_again(last, 2 << 20));
    });
}

}  // namespace
}  // namespace aero
