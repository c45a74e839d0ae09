// What calls do about nodes that fail: whom they ask first, and how often they ask again.
#include <gtest/gtest.h>

#include "command/machine_fixture.h"
#include "command/record_call.h"
#include "metrics/counters.h"

namespace aero::command {
namespace {

using namespace testing;

record_request request_of(bool writes) {
    record_request made{.name_space = "test", .set = "demo", .digest = key_digest(1)};
    (writes ? made.info2 : made.info1) = 1;
    made.is_write = writes;
    return made;
}

cluster::node& owner(const cluster::view_ptr& view, unsigned replica) {
    return *view->nodes[view->namespaces.front()->owners[replica][wire::partition_of(key_digest(1))]];
}

// Whom a new call asks first.
const cluster::node* first_asked(const cluster::view_ptr& view, bool writes, nanos now) {
    record_call call;
    call.prepare(request_of(writes), {});
    call.start(view, now);
    const auto attempt = call.next_launch();
    call.abandon(code::cancelled, "over", now);
    return attempt->target();
}

TEST(flow, reads_go_to_the_replica_first_once_the_master_was_silent_often_and_writes_stay) {
    const auto view = view_of(3, 2);
    nanos now = ms;
    for (unsigned i = 0; i < cluster::breaker::failures_to_open; ++i) {
        EXPECT_EQ(first_asked(view, false, now), &owner(view, 0)) << i;
        record_call call;
        call.prepare(request_of(false), {});
        call.start(view, now);
        auto silent = call.next_launch();
        send_only(*silent, now);
        now = call.wakeup_at();
        call.wake(view, now);
        auto second = call.next_launch();
        EXPECT_EQ(second->target(), &owner(view, 1));
        answer(*second, record_answer(0, 1).view(), now);
        call.finished(std::move(second), view, now);
        EXPECT_EQ(call.failure(), nullptr);
    }
    EXPECT_TRUE(owner(view, 0).health.open());
    EXPECT_TRUE(owner(view, 1).good());
    size_t probes = 0;
    for (int i = 0; i < 100; ++i) probes += first_asked(view, false, now) == &owner(view, 0) ? 1 : 0;
    EXPECT_LE(probes, 1u);
    EXPECT_EQ(first_asked(view, true, now), &owner(view, 0));
}

TEST(flow, a_session_that_is_refused_is_no_fault_of_the_node_and_reads_go_elsewhere_meanwhile) {
    const auto view = view_of(3, 2);
    nanos now = ms;
    for (unsigned i = 0; i < 2 * cluster::breaker::failures_to_open; ++i) {
        record_call call;
        call.prepare(request_of(false), {});
        call.start(view, now);
        auto refused = call.next_launch();
        EXPECT_EQ(refused->target(), &owner(view, 0)) << i;
        refused->fail(code::not_authenticated, "it refuses our session");
        call.finished(std::move(refused), view, now);
        const auto second = call.next_launch();
        ASSERT_NE(second, nullptr);
        EXPECT_EQ(second->target(), &owner(view, 1));
        call.abandon(code::cancelled, "over", now);
    }
    EXPECT_TRUE(owner(view, 0).good());
}

// Every attempt is sent and then lost. Gives the bytes of first attempts and those of all others.
struct sent_bytes {
    int64_t first = 0, again = 0;
};
sent_bytes lose_everything(const cluster::view_ptr& view, unsigned calls, uint16_t retries, nanos& now) {
    sent_bytes sum;
    for (unsigned i = 0; i < calls; ++i) {
        record_call call;
        call.prepare(request_of(false), {.max_retries = retries});
        call.start(view, now);
        bool first = true;
        while (!call.done()) {
            if (auto attempt = call.next_launch()) {
                send_only(*attempt, now);
                (std::exchange(first, false) ? sum.first : sum.again) += static_cast<int64_t>(attempt->sent());
                attempt->resume({.what = event::kind::closed}, now);
                call.finished(std::move(attempt), view, now);
                continue;
            }
            now = call.wakeup_at();
            call.wake(view, now);
        }
        EXPECT_NE(call.failure(), nullptr);
    }
    return sum;
}

cluster::view_ptr view_with_reserve(uint32_t reserve) {
    auto made = std::make_shared<cluster::view>();
    const auto plain = view_of(3, 2);
    made->version = plain->version;
    made->nodes = plain->nodes;
    made->namespaces.push_back(std::make_unique<cluster::namespace_map>(*plain->namespaces.front()));
    made->retries = std::make_shared<cluster::retry_budget>(reserve);
    return made;
}

TEST(flow, what_is_sent_again_stays_within_a_fifth_of_the_load_and_the_reserve) {
    constexpr int64_t reserve = 1000, one_request = 200;
    const auto view = view_with_reserve(reserve);
    nanos now = ms;
    const uint64_t refused = metrics::count_of(metrics::event::retry_refused);
    const sent_bytes sum = lose_everything(view, 500, 5, now);
    EXPECT_LE(sum.again, sum.first / 5 + reserve + one_request);
    EXPECT_GE(sum.again, sum.first / 5) << "and what there is may be spent";
    EXPECT_GT(metrics::count_of(metrics::event::retry_refused), refused);
}

TEST(flow, without_a_budget_every_retry_is_made) {
    nanos now = ms;
    const sent_bytes sum = lose_everything(view_of(3, 2), 50, 5, now);
    EXPECT_EQ(sum.again, 5 * sum.first);
}

TEST(flow, a_call_that_may_not_be_sent_again_says_why) {
    const auto view = view_with_reserve(0);
    record_call call;
    call.prepare(request_of(true), {.max_retries = 5});
    nanos now = ms;
    call.start(view, now);
    for (int i = 0; i < 2; ++i) {  // the first has earned a part of the second, the rest of which is owed
        auto attempt = call.next_launch();
        ASSERT_NE(attempt, nullptr) << i;
        send_only(*attempt, now);
        attempt->resume({.what = event::kind::closed}, now);
        call.finished(std::move(attempt), view, now);
        if (!call.done()) call.wake(view, now = call.wakeup_at());
    }
    ASSERT_TRUE(call.done());
    EXPECT_EQ(call.failure()->what, code::connection);
    EXPECT_TRUE(call.failure()->in_doubt);
    EXPECT_NE(call.failure()->text.find("budget"), std::string::npos) << call.failure()->text;
}

TEST(flow, attempts_that_sent_nothing_spend_nothing) {
    const auto view = view_with_reserve(1);
    record_call call;
    call.prepare(request_of(false), {.max_retries = 1});
    call.start(view, ms);
    nanos now = ms;
    for (int i = 0; i < 5; ++i) {
        auto attempt = call.next_launch();
        ASSERT_NE(attempt, nullptr) << i;
        attempt->fail(code::connection, "connection refused");
        call.finished(std::move(attempt), view, now);
        now += 100 * ms;
        call.wake(view, now);
    }
    auto sent = call.next_launch();
    send_only(*sent, now);
    sent->resume({.what = event::kind::closed}, now);
    call.finished(std::move(sent), view, now);
    EXPECT_FALSE(call.done()) << "the budget still has its one byte, which lets one retry through";
}

TEST(flow, pauses_between_retries_are_drawn_below_a_bound_that_doubles) {
    const auto view = view_of(3, 2);
    std::array<nanos, 4> longest{};
    for (int i = 0; i < 200; ++i) {
        record_call call;
        call.prepare(request_of(false), {.total_timeout_ms = 60'000, .max_retries = 4, .sleep_between_retries_ms = 10});
        nanos now = ms;
        call.start(view, now);
        for (nanos& most : longest) {
            auto attempt = call.next_launch();
            send_only(*attempt, now);
            attempt->resume({.what = event::kind::closed}, now);
            call.finished(std::move(attempt), view, now);
            const nanos pause = std::max(call.wakeup_at() - now, nanos{0});
            most = std::max(most, pause);
            now += pause;
            call.wake(view, now);
        }
        call.abandon(code::cancelled, "over", now);
    }
    for (size_t i = 0; i < longest.size(); ++i) {
        EXPECT_LE(longest[i], (10 * ms) << i) << i;
        EXPECT_GT(longest[i], (5 * ms) << i) << i;
    }
}

TEST(flow, a_write_that_its_node_turns_away_waits_for_the_next_master_and_is_no_retry) {
    const auto view = view_of(3, 2);
    record_call call;
    call.prepare(request_of(true), {.max_retries = 0});
    call.start(view, ms);
    auto attempt = call.next_launch();
    answer(*attempt, record_answer(static_cast<uint8_t>(code::partition_unavailable), 0).view(), ms);
    call.finished(std::move(attempt), view, ms);
    ASSERT_FALSE(call.done());
    EXPECT_TRUE(call.waits_for_view());
    auto next = std::make_shared<cluster::view>();
    next->version = view->version + 1;
    next->nodes = view->nodes;
    auto map = std::make_unique<cluster::namespace_map>(*view->namespaces.front());
    std::swap(map->owners[0], map->owners[1]);
    next->namespaces.push_back(std::move(map));
    call.wake(next, 2 * ms);
    auto again = call.next_launch();
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(again->target(), &owner(view, 1));
    answer(*again, record_answer(0, 1).view(), 2 * ms);
    call.finished(std::move(again), next, 2 * ms);
    ASSERT_TRUE(call.done());
    EXPECT_EQ(call.failure(), nullptr);
}

TEST(flow, any_whole_answer_closes_the_breaker) {
    const auto view = view_of(3, 2);
    for (unsigned i = 0; i < cluster::breaker::failures_to_open; ++i) owner(view, 0).health.failed(false, ms);
    record_call call;
    call.prepare(request_of(true), {});
    call.start(view, 2 * ms);
    auto attempt = call.next_launch();
    answer(*attempt, record_answer(static_cast<uint8_t>(code::generation), 0).view(), 2 * ms);
    call.finished(std::move(attempt), view, 2 * ms);
    EXPECT_TRUE(owner(view, 0).good());
    EXPECT_EQ(first_asked(view, false, 3 * ms), &owner(view, 0));
}

TEST(flow, what_we_run_out_of_ourselves_is_no_fault_of_the_node) {
    const auto view = view_of(3, 2);
    for (unsigned i = 0; i < 10 * cluster::breaker::failures_to_open; ++i) {
        record_call call;
        call.prepare(request_of(false), {});
        call.start(view, ms);
        auto attempt = call.next_launch();
        attempt->fail(code::no_more_connections, "none");
        call.finished(std::move(attempt), view, ms);
        if (auto again = call.next_launch()) call.abandon(code::cancelled, "over", ms);
    }
    EXPECT_TRUE(owner(view, 0).good());
    EXPECT_TRUE(owner(view, 1).good());
}

}  // namespace
}  // namespace aero::command
