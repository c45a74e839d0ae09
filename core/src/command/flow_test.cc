// What calls do about nodes that fail: whom they ask first, and how often they ask again.
#include <gtest/gtest.h>

#include "command/machine_fixture.h"
#include "command/record_call.h"

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
