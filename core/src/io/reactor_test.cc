#include "io/reactor.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <thread>

#include "io/wake_up.h"

namespace aero::io {
namespace {

constexpr nanos patience = from_ms(5000);

TEST(reactor, tells_which_descriptors_are_ready) {
    reactor watching;
    ASSERT_TRUE(watching.ok());
    wake_up one, two;
    ASSERT_TRUE(watching.add(one.fd(), readiness::read, &one));
    ASSERT_TRUE(watching.add(two.fd(), readiness::read, &two));
    EXPECT_FALSE(watching.add(two.fd(), readiness::read, &two));
    std::array<ready_event, 8> events{};
    EXPECT_EQ(watching.wait(events, 0), 0u);
    two.signal();
    ASSERT_EQ(watching.wait(events, patience), 1u);
    EXPECT_EQ(events[0].tag, &two);
    EXPECT_TRUE(events[0].readable);
    EXPECT_FALSE(events[0].writable);
    two.clear();
    EXPECT_EQ(watching.wait(events, 0), 0u);
}

TEST(reactor, follows_changes_of_interest_and_removals) {
    reactor watching;
    wake_up one, two, three;
    for (wake_up* each : {&one, &two, &three}) {
        each->signal();
        watching.add(each->fd(), readiness::read, each);
    }
    watching.remove(one.fd());
    int marker = 0;
    EXPECT_TRUE(watching.modify(three.fd(), readiness::read, &marker));
    EXPECT_FALSE(watching.modify(one.fd(), readiness::read, &one));
    std::array<ready_event, 8> events{};
    ASSERT_EQ(watching.wait(events, patience), 2u);
    EXPECT_EQ((std::set<void*>{events[0].tag, events[1].tag}), (std::set<void*>{&two, &marker}));
    EXPECT_TRUE(watching.add(one.fd(), readiness::read, &one));
    EXPECT_EQ(watching.wait(events, patience), 3u);
}

TEST(reactor, serves_all_in_turn_when_there_is_room_for_few) {
    reactor watching;
    std::array<wake_up, 5> all;
    for (wake_up& each : all) {
        each.signal();
        watching.add(each.fd(), readiness::read, &each);
    }
    std::set<void*> seen;
    std::array<ready_event, 2> events{};
    for (int i = 0; i < 5; ++i) {
        const size_t count = watching.wait(events, patience);
        for (size_t k = 0; k < count; ++k) seen.insert(events[k].tag);
    }
    EXPECT_EQ(seen.size(), all.size());
}

TEST(reactor, waits_until_another_thread_wakes_it) {
    reactor watching;
    wake_up woken;
    watching.add(woken.fd(), readiness::read, &woken);
    std::thread other([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        woken.signal();
    });
    std::array<ready_event, 1> events{};
    EXPECT_EQ(watching.wait(events, patience), 1u);
    other.join();
    woken.clear();
    const nanos before = monotonic_now();
    EXPECT_EQ(watching.wait(events, from_ms(20)), 0u);
    EXPECT_GE(monotonic_now() - before, from_ms(19));
}

TEST(reactor, forgets_everything_when_abandoned) {
    reactor watching;
    wake_up woken;
    watching.add(woken.fd(), readiness::read, &woken);
    woken.signal();
    watching.abandon();
    std::array<ready_event, 1> events{};
    EXPECT_EQ(watching.wait(events, 0), 0u);
    EXPECT_EQ(watching.fd(), -1);
}

TEST(wake_up, many_signals_are_one_and_clear_ends_them) {
    wake_up woken;
    for (int i = 0; i < 100'000; ++i) woken.signal();
    poll_entry entry{.fd = woken.fd(), .interest = readiness::read};
    EXPECT_EQ(poll_many({&entry, 1}, 0), 1);
    woken.clear();
    EXPECT_EQ(poll_many({&entry, 1}, 0), 0);
}

}  // namespace
}  // namespace aero::io
