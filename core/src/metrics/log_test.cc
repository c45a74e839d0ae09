#include "aero/log.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

namespace aero::log {
namespace {

class logging : public testing::Test {
  protected:
    logging() {
        drain();
        set_level(level::info);
    }
    ~logging() override {
        drain();
        set_level(level::info);
    }
};

TEST_F(logging, records_come_back_in_the_order_they_were_written) {
    EXPECT_FALSE(pending());
    write(level::warn, "aerospike_core::cluster", "first");
    write(level::info, "aerospike_core::batch", "second");
    EXPECT_TRUE(pending());
    const std::vector<record> records = drain();
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].severity, level::warn);
    EXPECT_EQ(records[0].logger, "aerospike_core::cluster");
    EXPECT_EQ(records[0].text, "first");
    EXPECT_EQ(records[1].text, "second");
    EXPECT_FALSE(pending());
    EXPECT_TRUE(drain().empty());
}

TEST_F(logging, level_decides_what_is_kept) {
    struct expectation {
        level most_verbose;
        std::array<bool, 5> kept;  // error .. trace
    };
    for (const expectation& each : {expectation{level::off, {false, false, false, false, false}},
                                    expectation{level::error, {true, false, false, false, false}},
                                    expectation{level::info, {true, true, true, false, false}},
                                    expectation{level::trace, {true, true, true, true, true}}}) {
        set_level(each.most_verbose);
        for (size_t i = 0; i < each.kept.size(); ++i) {
            EXPECT_EQ(wants(static_cast<level>(i)), each.kept[i]) << i;
            write(static_cast<level>(i), "aerospike_core::command", "text");
            EXPECT_EQ(drain().size(), each.kept[i] ? 1u : 0u) << i;
        }
        EXPECT_FALSE(wants(level::off));
    }
}

TEST_F(logging, full_ring_drops_the_new_record_and_counts_it) {
    const uint64_t before = dropped();
    for (int i = 0; i < 1500; ++i) write(level::error, "aerospike_core::cluster", std::to_string(i));
    const std::vector<record> kept = drain();
    ASSERT_EQ(kept.size(), 1024u);
    EXPECT_EQ(kept.front().text, "0");
    EXPECT_EQ(kept.back().text, "1023");
    EXPECT_EQ(dropped() - before, 1500u - 1024u);
    write(level::error, "aerospike_core::cluster", "room again");
    EXPECT_EQ(drain().size(), 1u);
}

TEST_F(logging, long_text_is_cut_between_characters) {
    write(level::error, "aerospike_core::cluster", std::string(2047, 'x') + "\xC3\xA9 and more");
    const std::vector<record> kept = drain();
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0].text, std::string(2047, 'x') + "...");
}

TEST_F(logging, every_record_of_many_threads_is_kept_or_counted) {
    constexpr int threads = 4;
    constexpr int rounds = 2000;
    const uint64_t before = dropped();
    size_t drained = 0;
    {
        std::atomic<int> left = threads;
        std::vector<std::jthread> writers;
        for (int t = 0; t < threads; ++t) {
            writers.emplace_back([&left] {
                for (int i = 0; i < rounds; ++i) write(level::warn, "aerospike_core::cluster", "text");
                --left;
            });
        }
        while (left > 0) drained += drain().size();
    }
    drained += drain().size();
    EXPECT_EQ(drained + (dropped() - before), static_cast<uint64_t>(threads * rounds));
}

}  // namespace
}  // namespace aero::log
