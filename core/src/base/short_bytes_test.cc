#include "base/short_bytes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace aero {
namespace {

constexpr size_t size_max = 130;

std::string numbered_bytes(size_t size) {
    std::string made(size, '\0');
    for (size_t i = 0; i < size; ++i) made[i] = static_cast<char>(i * 37 + size);
    return made;
}

TEST(short_bytes, equal_bytes_are_equal_at_every_size_and_any_changed_byte_is_seen) {
    for (size_t size = 0; size <= size_max; ++size) {
        const std::string one = numbered_bytes(size);
        std::string other = one;
        EXPECT_TRUE(same_short_text(one, other)) << size;
        for (size_t at = 0; at < size; ++at) {
            other[at] = static_cast<char>(other[at] + 1);
            EXPECT_FALSE(same_short_text(one, other)) << size << " at " << at;
            other[at] = one[at];
        }
        EXPECT_FALSE(same_short_text(one, other + "x")) << size;
    }
}

TEST(short_bytes, copies_every_byte_and_not_one_more) {
    for (size_t size = 0; size <= size_max; ++size) {
        const std::string from = numbered_bytes(size);
        std::vector<uint8_t> to(size + 2, 0xEE);
        copy_bytes(to.data() + 1, as_bytes(from).data(), size);
        EXPECT_EQ(as_text({to.data() + 1, size}), from) << size;
        EXPECT_EQ(to.front(), 0xEE) << size;
        EXPECT_EQ(to.back(), 0xEE) << size;
    }
}

TEST(short_bytes, texts_that_differ_in_one_byte_rarely_share_a_hash) {
    std::set<size_t> seen;
    size_t texts = 0;
    for (size_t size = 1; size <= 20; ++size) {
        for (size_t at = 0; at < size; ++at) {
            for (const char change : {'a', 'b', '0', '9'}) {
                std::string text(size, '_');
                text[at] = change;
                seen.insert(hash_short_text(text) & 0xFFFF);
                ++texts;
            }
        }
    }
    EXPECT_GT(seen.size(), texts * 95 / 100);
    const std::string elsewhere = "i0";
    EXPECT_EQ(hash_short_text("i0"), hash_short_text(elsewhere));
}

}  // namespace
}  // namespace aero
