#include "ring/succession.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace aero_server {
namespace {

const std::vector<std::string> three = {"A1", "A2", "A3"};

TEST(Succession, NamesEveryNodeOnce) {
    for (unsigned id = 0; id < 4096; ++id) {
        auto order = succession_of(id, three);
        std::sort(order.begin(), order.end());
        ASSERT_EQ(order, (std::vector<uint8_t>{0, 1, 2}));
    }
}

TEST(Succession, SharesMastersFairly) {
    unsigned masters[3] = {};
    for (unsigned id = 0; id < 4096; ++id) ++masters[succession_of(id, three)[0]];
    for (const unsigned count : masters) {
        EXPECT_GT(count, 4096u / 3 * 9 / 10);
        EXPECT_LT(count, 4096u / 3 * 11 / 10);
    }
}

TEST(Succession, KeepsItsOrderWhenANodeIsLeftOut) {
    const std::vector<std::string> two = {"A1", "A3"};
    for (unsigned id = 0; id < 4096; ++id) {
        auto order = succession_of(id, three);
        std::erase(order, uint8_t{1});
        for (uint8_t& node : order) node = node == 2 ? 1 : 0;
        ASSERT_EQ(order, succession_of(id, two)) << id;
    }
}

}  // namespace
}  // namespace aero_server
