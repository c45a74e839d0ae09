#include "cluster/hedging.h"

#include <gtest/gtest.h>

#include <random>

namespace aero::cluster {
namespace {

TEST(hedging, a_delay_that_was_given_stays) {
    hedging by({.after_ms = 7});
    for (int i = 0; i < 100; ++i) by.observe(i % 2 == 0);
    EXPECT_EQ(by.delay(), from_ms(7));
}

TEST(hedging, the_delay_follows_the_percentile_of_what_reads_take) {
    hedging by({.percentile = 95});
    EXPECT_EQ(by.delay(), hedging::delay_first);
    std::mt19937 random(1);
    std::uniform_int_distribution<nanos> takes(0, from_ms(2));  // 95 % of them less than 1.9 ms
    const auto read = [&](nanos slower) { by.observe(takes(random) + slower < by.delay()); };
    for (int i = 0; i < 2000; ++i) read(0);
    nanos sum = 0;
    for (int i = 0; i < 2000; ++i, sum += by.delay()) read(0);
    EXPECT_NEAR(static_cast<double>(sum) / 2000, 1.9e6, 0.2e6);
    // Everything gets slower, and faster again.
    for (int i = 0; i < 500; ++i) read(from_ms(50));
    EXPECT_GT(by.delay(), from_ms(50));
    for (int i = 0; i < 2000; ++i) read(0);
    EXPECT_LT(by.delay(), from_ms(3));
}

TEST(hedging, the_delay_stays_within_bounds) {
    hedging by({.percentile = 50});
    for (int i = 0; i < 10'000; ++i) by.observe(true);
    EXPECT_EQ(by.delay(), hedging::delay_min);
    for (int i = 0; i < 10'000; ++i) by.observe(false);
    EXPECT_EQ(by.delay(), hedging::delay_max);
}

TEST(hedging, asks_no_more_often_than_its_share_from_the_first_read_on) {
    hedging by({.after_ms = 1, .share = 0.05});
    unsigned admitted = 0;
    for (unsigned reads = 1; reads <= 2000; ++reads) {
        by.read_begins(1);
        admitted += by.admit(1) ? 1 : 0;
        ASSERT_LE(admitted * 20, reads);
    }
    EXPECT_EQ(admitted, 100u);
}

TEST(hedging, saves_up_a_few_for_a_burst_and_no_more) {
    hedging by({.after_ms = 1, .share = 0.5});
    for (unsigned reads = 0; reads < 10'000; ++reads) by.read_begins(1);
    unsigned admitted = 0;
    while (by.admit(1)) ++admitted;
    EXPECT_EQ(admitted, hedging::saved_max);
}

TEST(hedging, counts_a_batch_by_its_records) {
    hedging by({.after_ms = 1, .share = 0.1});
    by.read_begins(1800);
    EXPECT_FALSE(by.admit(181));
    EXPECT_TRUE(by.admit(100));
    EXPECT_TRUE(by.admit(80));
    EXPECT_FALSE(by.admit(1));
    for (int reads = 0; reads < 1000; ++reads) by.read_begins(600);
    EXPECT_TRUE(by.admit(600 * hedging::saved_max));
    EXPECT_FALSE(by.admit(60)) << "no more than that was saved";
}

}  // namespace
}  // namespace aero::cluster
