#include "command/limiter.h"

#include <gtest/gtest.h>

namespace aero::command {
namespace {

struct told final : limiter::waiter {
    void granted() noexcept override { ++times; }
    int times = 0;
};

TEST(limiter, without_a_limit_everything_passes) {
    limiter open(0);
    told one;
    EXPECT_FALSE(open.limited());
    EXPECT_EQ(open.enter(one), limiter::admission::granted);
}

TEST(limiter, hands_slots_on_in_the_order_of_arrival) {
    limiter two(2);
    told a, b, c, d;
    EXPECT_EQ(two.enter(a), limiter::admission::granted);
    EXPECT_EQ(two.enter(b), limiter::admission::granted);
    EXPECT_EQ(two.enter(c), limiter::admission::queued);
    EXPECT_EQ(two.enter(d), limiter::admission::queued);
    two.leave();
    EXPECT_EQ(c.times, 1);
    EXPECT_EQ(d.times, 0);
    two.leave();
    EXPECT_EQ(d.times, 1);
    two.leave();
    two.leave();
    told e;
    EXPECT_EQ(two.enter(e), limiter::admission::granted);
    two.leave();
}

TEST(limiter, a_waiter_that_withdraws_is_passed_over) {
    limiter one(1);
    told a, b, c;
    EXPECT_EQ(one.enter(a), limiter::admission::granted);
    EXPECT_EQ(one.enter(b), limiter::admission::queued);
    EXPECT_EQ(one.enter(c), limiter::admission::queued);
    EXPECT_TRUE(one.withdraw(b));
    EXPECT_FALSE(one.withdraw(b));
    one.leave();
    EXPECT_EQ(b.times, 0);
    EXPECT_EQ(c.times, 1);
    EXPECT_FALSE(one.withdraw(c));  // granted: the slot is c's to leave
    one.leave();
}

}  // namespace
}  // namespace aero::command
