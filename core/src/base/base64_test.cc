#include "base/base64.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace aero {
namespace {

TEST(base64, agrees_with_the_vectors_of_its_standard) {
    const std::pair<std::string_view, std::string_view> cases[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : cases) {
        EXPECT_EQ(base64_encode(as_bytes(plain)), text);
        const auto bytes = base64_decode(text);
        ASSERT_TRUE(bytes) << text;
        EXPECT_EQ(as_text(*bytes), plain);
    }
}

TEST(base64, every_length_goes_both_ways) {
    std::mt19937 random(64);  // NOLINT(bugprone-random-generator-seed): a failure must come back
    for (size_t size = 0; size < 600; ++size) {
        std::vector<uint8_t> bytes(size);
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
        EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    }
}

TEST(base64, text_that_nobody_would_write_is_refused) {
    for (const std::string_view text :
         {"Z", "Zg", "Zg=", "Zg===", "Zm9v=", "Zh==", "Zm9=", "Z===", "====", "Zm 9", "Zm9-", "Zg=v", "=g=="}) {
        EXPECT_FALSE(base64_decode(text)) << text;
    }
}

TEST(base64, wants_exactly_the_size_asked_for) {
    uint8_t two[2];
    EXPECT_TRUE(base64_decode("Zm8=", two));
    EXPECT_FALSE(base64_decode("Zm9v", two));
    EXPECT_FALSE(base64_decode("Zg==", two));
}

}  // namespace
}  // namespace aero
