#include "store/record_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "testing/ask.h"

namespace aero_server {
namespace {

using testing::key_in;

record_ptr record_of(const aero::wire::digest& key, uint16_t generation) {
    record_ptr made = make_record(key, 0, 0);
    made->generation = generation;
    return made;
}

TEST(RecordTable, FindsWhatWasPutAndNothingElse) {
    record_table table;
    EXPECT_EQ(table.find(key_in(7)), nullptr);
    table.put(record_of(key_in(7), 3));
    ASSERT_NE(table.find(key_in(7)), nullptr);
    EXPECT_EQ(table.find(key_in(7))->generation, 3);
    EXPECT_EQ(table.find(key_in(7, 1)), nullptr);
}

TEST(RecordTable, PuttingAgainReplacesTheRecord) {
    record_table table;
    table.put(record_of(key_in(7), 1));
    table.put(record_of(key_in(7), 2));
    EXPECT_EQ(table.size(), 1u);
    EXPECT_EQ(table.find(key_in(7))->generation, 2);
}

// Keys whose tags are alike land in one run of slots; erasing from its middle must not hide the rest.
TEST(RecordTable, ErasingInARunKeepsTheOthersFindable) {
    record_table table;
    std::vector<aero::wire::digest> keys;
    for (uint8_t i = 0; i < 5; ++i) {
        aero::wire::digest key{};
        key[19] = i;
        keys.push_back(key);
        table.put(record_of(key, i));
    }
    EXPECT_TRUE(table.erase(keys[1]));
    EXPECT_FALSE(table.erase(keys[1]));
    for (uint8_t i = 0; i < 5; ++i) EXPECT_EQ(table.find(keys[i]) != nullptr, i != 1) << unsigned{i};
}

TEST(RecordTable, AgreesWithAMapUnderRandomUse) {
    std::mt19937 random(20100101);
    record_table table;
    std::map<aero::wire::digest, uint16_t> expected;
    for (unsigned step = 0; step < 20000; ++step) {
        aero::wire::digest key{};
        key[4] = static_cast<uint8_t>(random() % 8);  // few homes, long runs
        key[19] = static_cast<uint8_t>(random() % 40);
        const auto generation = static_cast<uint16_t>(step);
        if (random() % 3 != 0) {
            table.put(record_of(key, generation));
            expected[key] = generation;
        } else {
            EXPECT_EQ(table.erase(key), expected.erase(key) == 1);
        }
    }
    ASSERT_EQ(table.size(), expected.size());
    for (const auto& [key, generation] : expected) {
        ASSERT_NE(table.find(key), nullptr);
        EXPECT_EQ(table.find(key)->generation, generation);
    }
}

TEST(RecordTable, ErasesByRule) {
    record_table table;
    for (uint32_t i = 0; i < 100; ++i) table.put(record_of(key_in(1, i), static_cast<uint16_t>(i)));
    table.erase_if([](const record& r) { return r.generation % 2 == 0; });
    EXPECT_EQ(table.size(), 50u);
    EXPECT_EQ(table.find(key_in(1, 4)), nullptr);
    EXPECT_NE(table.find(key_in(1, 5)), nullptr);
}

}  // namespace
}  // namespace aero_server
