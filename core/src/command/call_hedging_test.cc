// Reads that ask a second replica: when, whom, and what becomes of the other attempt.
#include <gtest/gtest.h>

#include "command/machine_fixture.h"
#include "command/record_call.h"
#include "metrics/counters.h"

namespace aero::command {
namespace {

using namespace testing;
using metrics::event;

record_request read_of(unsigned key) {
    return {.name_space = "test", .set = "demo", .digest = key_digest(key), .info1 = wire::info1::read};
}

cluster::node* owner(const cluster::view_ptr& view, unsigned replica) {
    return view->nodes[view->namespaces.front()->owners[replica][wire::partition_of(key_digest(1))]].get();
}

uint64_t counted(metrics::event which) { return metrics::count_of(which); }

// A read whose first attempt has been sent and has had no answer for 10 ms, and its second attempt.
struct hedged_read {
    explicit hedged_read(cluster::view_ptr by, const transport_policy& policy = {}) : view(std::move(by)) {
        call.prepare(read_of(1), policy);
        call.start(view, ms);
        first = call.next_launch();
        send_only(*first, ms);
        EXPECT_EQ(call.wakeup_at(), 11 * ms);
        call.wake(view, 11 * ms);
        second = call.next_launch();
    }
    // Let go of before the call is.
    ~hedged_read() {
        if (!call.done()) call.abandon(code::cancelled, "over", 999 * ms);
    }
    static void hand_in(std::unique_ptr<attempt>& which, uint8_t result, int64_t value, nanos now) {
        const buffer reply = record_answer(result, value);
        const action next = which->resume({.what = command::event::kind::received}, now);
        std::copy_n(reply.data(), reply.size(), next.input.begin());
        which->resume({.what = command::event::kind::received, .bytes = reply.size()}, now);
    }

    cluster::view_ptr view;
    std::unique_ptr<attempt> first, second;
    record_call call;
};

// Whom a read asks that has had no answer for a long time: nobody else, or that node.
const cluster::node* hedged_or_not(const cluster::view_ptr& view, const transport_policy& policy) {
    record_call call;
    call.prepare(read_of(1), policy);
    call.start(view, ms);
    const auto first = call.next_launch();
    call.wake(view, 100 * ms);
    const auto second = call.next_launch();
    call.abandon(code::cancelled, "over", 100 * ms);
    return second == nullptr ? nullptr : second->target();
}

TEST(call_hedging, asks_the_replica_with_the_same_request_after_the_delay_and_not_before) {
    const auto view = hedging_view();
    record_call call;
    call.prepare(read_of(1), {});
    call.start(view, ms);
    auto first = call.next_launch();
    call.wake(view, 11 * ms - 1);
    EXPECT_EQ(call.next_launch(), nullptr);
    call.wake(view, 11 * ms);
    auto second = call.next_launch();
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(first->target(), owner(view, 0));
    EXPECT_EQ(second->target(), owner(view, 1));
    EXPECT_TRUE(std::ranges::equal(first->request(), second->request()));
    call.wake(view, 100 * ms);
    EXPECT_EQ(call.next_launch(), nullptr) << "one hedge a call";
    call.abandon(code::cancelled, "over", 100 * ms);
}

TEST(call_hedging, the_second_wins_and_the_first_is_let_go_of_to_be_drained) {
    const uint64_t sent = counted(event::hedge_sent), won = counted(event::hedge_won);
    hedged_read read(hedging_view());
    ASSERT_NE(read.second, nullptr);
    send_only(*read.second, 11 * ms);
    hedged_read::hand_in(read.second, 0, 42, 12 * ms);
    read.call.finished(std::move(read.second), read.view, 12 * ms);
    ASSERT_TRUE(read.call.done());
    EXPECT_EQ(read.call.failure(), nullptr);
    EXPECT_EQ(read.call.take_reply().code, code::ok);
    EXPECT_EQ(read.call.times().attempts, 2u);
    EXPECT_EQ(read.call.times().sent, ms) << "the wait for the first belongs to the round trip";
    EXPECT_EQ(read.first->owner(), nullptr);
    EXPECT_GE(read.first->drain_until, 1001 * ms);
    EXPECT_EQ(read.call.next_released(), read.first.get());
    EXPECT_EQ(read.call.next_released(), nullptr);
    // Its answer comes to nobody, and leaves the connection fit for the next request.
    hedged_read::hand_in(read.first, 0, 41, 30 * ms);
    EXPECT_TRUE(read.first->connection_reusable());
    read.call.finished(std::move(read.first), read.view, 30 * ms);
    EXPECT_EQ(counted(event::hedge_sent), sent + 1);
    EXPECT_EQ(counted(event::hedge_won), won + 1);
    EXPECT_TRUE(owner(read.view, 0)->good());
}

TEST(call_hedging, the_first_wins_although_another_was_asked) {
    const uint64_t won = counted(event::hedge_won);
    hedged_read read(hedging_view());
    send_only(*read.second, 11 * ms);
    hedged_read::hand_in(read.first, 0, 41, 12 * ms);
    read.call.finished(std::move(read.first), read.view, 12 * ms);
    EXPECT_TRUE(read.call.done());
    EXPECT_EQ(read.call.failure(), nullptr);
    EXPECT_EQ(read.second->owner(), nullptr);
    EXPECT_EQ(counted(event::hedge_won), won);
}

TEST(call_hedging, a_first_that_fails_or_refuses_or_is_late_leaves_it_to_the_second) {
    for (const int way : {0, 1, 2}) {
        hedged_read read(hedging_view(), {.max_retries = 0});
        send_only(*read.second, 11 * ms);
        nanos now = 12 * ms;
        if (way == 0) {
            read.first->resume({.what = command::event::kind::closed}, now);
            read.call.finished(std::move(read.first), read.view, now);
        } else if (way == 1) {
            hedged_read::hand_in(read.first, static_cast<uint8_t>(code::timeout), 0, now);
            read.call.finished(std::move(read.first), read.view, now);
        } else {
            now = read.first->deadline = 500 * ms;
            read.call.wake(read.view, now);
            EXPECT_EQ(read.first->owner(), nullptr);
        }
        ASSERT_FALSE(read.call.done()) << way;
        EXPECT_EQ(read.call.next_launch(), nullptr) << way;
        hedged_read::hand_in(read.second, 0, 42, now + ms);
        read.call.finished(std::move(read.second), read.view, now + ms);
        ASSERT_TRUE(read.call.done()) << way;
        EXPECT_EQ(read.call.failure(), nullptr) << way;
    }
}

TEST(call_hedging, when_both_fail_the_read_is_made_again_and_that_is_one_retry) {
    hedged_read read(hedging_view(), {.max_retries = 1});
    send_only(*read.second, 11 * ms);
    for (std::unique_ptr<attempt>* one : {&read.first, &read.second}) {
        (*one)->resume({.what = command::event::kind::closed}, 12 * ms);
        read.call.finished(std::move(*one), read.view, 12 * ms);
    }
    ASSERT_FALSE(read.call.done());
    auto third = read.call.next_launch();
    ASSERT_NE(third, nullptr);
    send_only(*third, 12 * ms);
    third->resume({.what = command::event::kind::closed}, 13 * ms);
    read.call.finished(std::move(third), read.view, 13 * ms);
    ASSERT_TRUE(read.call.done());
    ASSERT_NE(read.call.failure(), nullptr);
    EXPECT_EQ(read.call.failure()->attempts, 3);
    EXPECT_FALSE(read.call.failure()->in_doubt);
}

TEST(call_hedging, the_deadline_ends_both) {
    hedged_read read(hedging_view());
    send_only(*read.second, 11 * ms);
    read.call.wake(read.view, 1001 * ms);
    ASSERT_TRUE(read.call.done());
    EXPECT_EQ(read.call.failure()->what, code::deadline);
    EXPECT_EQ(read.first->owner(), nullptr);
    EXPECT_EQ(read.second->owner(), nullptr);
}

TEST(call_hedging, does_without_where_there_is_nobody_else_to_ask) {
    EXPECT_EQ(hedged_or_not(hedging_view(3, 1), {}), nullptr) << "a single copy";
    EXPECT_EQ(hedged_or_not(hedging_view(), {.replica = replica_policy::master}), nullptr);
    EXPECT_EQ(hedged_or_not(view_of(3, 2), {}), nullptr) << "off";
    const auto view = hedging_view();
    for (unsigned i = 0; i < cluster::breaker::failures_to_open; ++i) owner(view, 1)->health.failed(false, ms);
    EXPECT_EQ(hedged_or_not(view, {}), nullptr) << "its breaker is open";
}

TEST(call_hedging, never_asks_twice_for_a_write) {
    const auto view = hedging_view();
    record_call write;
    record_request request = read_of(1);
    request.info2 = wire::info2::write;
    request.is_write = true;
    write.prepare(request, {});
    write.start(view, ms);
    auto attempt = write.next_launch();
    EXPECT_EQ(write.wakeup_at(), 1001 * ms);
    write.abandon(code::cancelled, "over", ms);
}

TEST(call_hedging, stays_within_its_share_and_counts_what_it_would_have_asked) {
    const auto view = hedging_view(3, 2, 0.1);
    const uint64_t sent = counted(event::hedge_sent), refused = counted(event::hedge_refused);
    for (int i = 0; i < 100; ++i) hedged_or_not(view, {});
    EXPECT_EQ(counted(event::hedge_sent) - sent, 10u);
    EXPECT_EQ(counted(event::hedge_refused) - refused, 90u);
}

TEST(call_hedging, a_driver_that_waits_for_a_connection_is_not_hurried_by_it) {
    const auto view = hedging_view();
    record_call call;
    call.prepare(read_of(1), {});
    call.start(view, ms);
    const auto first = call.next_launch();
    EXPECT_EQ(call.wakeup_at(), 11 * ms);
    EXPECT_EQ(call.connect_until(*first), first->deadline);
    call.abandon(code::cancelled, "over", ms);
}

}  // namespace
}  // namespace aero::command
