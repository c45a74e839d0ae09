#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <vector>

namespace aero {
namespace {

constexpr nanos ms = 1'000'000;

struct alarm {
    int id;
    timer at{this};
    explicit alarm(int number) : id(number) {}
};

std::vector<int> fired_at(timer_wheel& wheel, nanos now) {
    std::vector<int> ids;
    wheel.advance(now, [&](void* owner) { ids.push_back(static_cast<alarm*>(owner)->id); });
    return ids;
}

TEST(timer_wheel, fires_what_is_due_and_nothing_else) {
    timer_wheel wheel;
    alarm soon(1), later(2);
    wheel.advance(1000 * ms, [](void*) {});
    wheel.arm(soon.at, 1005 * ms);
    wheel.arm(later.at, 1300 * ms);  // more than one turn of the wheel away
    EXPECT_EQ(wheel.next_due(), 1005 * ms);
    EXPECT_TRUE(fired_at(wheel, 1004 * ms).empty());
    EXPECT_EQ(fired_at(wheel, 1006 * ms), std::vector<int>{1});
    EXPECT_FALSE(soon.at.armed());
    EXPECT_EQ(wheel.next_due(), 1300 * ms);
    EXPECT_TRUE(fired_at(wheel, 1299 * ms).empty());
    EXPECT_EQ(fired_at(wheel, 1300 * ms), std::vector<int>{2});
    EXPECT_EQ(wheel.next_due(), never);
}

TEST(timer_wheel, a_time_in_the_past_fires_at_the_next_turn) {
    timer_wheel wheel;
    wheel.advance(500 * ms, [](void*) {});
    alarm past(1);
    wheel.arm(past.at, 20 * ms);
    EXPECT_EQ(fired_at(wheel, 500 * ms), std::vector<int>{1});
}

TEST(timer_wheel, never_is_not_armed_and_destruction_disarms) {
    timer_wheel wheel;
    alarm idle(1);
    wheel.arm(idle.at, never);
    EXPECT_FALSE(idle.at.armed());
    {
        alarm gone(2);
        wheel.arm(gone.at, 5 * ms);
        EXPECT_EQ(wheel.count(), 1u);
    }
    EXPECT_EQ(wheel.count(), 0u);
    EXPECT_TRUE(fired_at(wheel, 10 * ms).empty());
}

TEST(timer_wheel, what_fires_may_disarm_and_arm_others) {
    timer_wheel wheel;
    alarm first(1), second(2), third(3);
    wheel.arm(first.at, 5 * ms);
    wheel.arm(second.at, 5 * ms);
    std::vector<int> ids;
    wheel.advance(6 * ms, [&](void* owner) {
        alarm& fired = *static_cast<alarm*>(owner);
        ids.push_back(fired.id);
        (fired.id == 1 ? second : first).at.disarm();
        wheel.arm(third.at, 7 * ms);
    });
    EXPECT_EQ(ids.size(), 1u);
    EXPECT_EQ(fired_at(wheel, 8 * ms), std::vector<int>{3});
}

TEST(timer_wheel, agrees_with_a_sorted_set_over_random_times) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    timer_wheel wheel;
    std::vector<std::unique_ptr<alarm>> alarms;
    for (int i = 0; i < 200; ++i) alarms.push_back(std::make_unique<alarm>(i));
    std::set<std::pair<nanos, int>> model;
    nanos now = 0;
    for (int step = 0; step < 5000; ++step) {
        alarm& one = *alarms[random() % alarms.size()];
        if (one.at.armed()) model.erase({one.at.due(), one.id});
        if (random() % 4 == 0) {
            one.at.disarm();
        } else {
            const nanos due = now + static_cast<nanos>(random() % 600) * ms;
            wheel.arm(one.at, due);
            model.insert({due, one.id});
        }
        now += static_cast<nanos>(random() % 3) * ms;
        std::set<int> expected;
        while (!model.empty() && model.begin()->first <= now) {
            expected.insert(model.begin()->second);
            model.erase(model.begin());
        }
        const auto fired = fired_at(wheel, now);
        ASSERT_EQ(std::set<int>(fired.begin(), fired.end()), expected);
        if (!model.empty()) {
            ASSERT_LE(wheel.next_due(), model.begin()->first);
        }
    }
}

}  // namespace
}  // namespace aero
