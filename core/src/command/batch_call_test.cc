#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "command/batch_fixture.h"

namespace aero::command {
namespace {

using namespace testing;

TEST(batch_call, asks_each_node_once_for_its_rows_and_matches_answers_by_index) {
    const auto view = view_of(3, 2);
    const request_of asked(300);
    batch_call call;
    call.prepare(asked.request, {});
    call.start(view, 0);
    auto parts = launches(call);
    ASSERT_EQ(parts.size(), 3u);
    std::map<const cluster::node*, size_t> rows_of;
    for (auto& part : parts) {
        for (const uint32_t row : rows_asked(*part))
            EXPECT_EQ(part->target(), view->nodes[wire::partition_of(asked.digests[row]) % 3].get());
        rows_of[part->target()] += part->rows.size();
        answer(*part, reply_for(part->rows).view(), ms, 1000);
        EXPECT_TRUE(part->connection_reusable());
        call.finished(std::move(part), view, ms);
    }
    EXPECT_EQ(rows_of.size(), 3u);
    ASSERT_TRUE(call.done());
    ASSERT_EQ(call.failure(), nullptr);
    const batch_reply reply = call.take_reply();
    ASSERT_EQ(reply.rows.size(), 300u);
    for (size_t row = 0; row < 300; ++row) {
        ASSERT_TRUE(reply.rows[row].ok());
        EXPECT_EQ(value_of(reply, row), static_cast<int64_t>(row));
    }
}

TEST(batch_call, splits_a_large_share_of_one_node_over_two_connections) {
    const auto view = view_of(1, 1);
    const request_of asked(split_rows_min);
    batch_call call;
    call.prepare(asked.request, {});
    call.start(view, 0);
    const auto parts = launches(call);
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[0]->rows.size() + parts[1]->rows.size(), split_rows_min);
    const request_of fewer(split_rows_min - 1);
    batch_call small;
    small.prepare(fewer.request, {});
    small.start(view, 0);
    const auto whole = launches(small);
    EXPECT_EQ(whole.size(), 1u);
    // Attempts may only go once their calls have let them go.
    call.abandon(code::cancelled, "cancelled", 0);
    small.abandon(code::cancelled, "cancelled", 0);
}

TEST(batch_call, a_node_that_dies_midway_is_asked_elsewhere_only_for_what_it_left) {
    const auto view = view_of(2, 2);
    const request_of asked(100);
    batch_call call;
    call.prepare(asked.request, {});
    call.start(view, 0);
    auto parts = launches(call);
    ASSERT_EQ(parts.size(), 2u);
    const size_t share = parts[0]->rows.size();
    ASSERT_GT(share, 10u);
    // Five rows come back, then the connection breaks.
    std::vector<answer_row> some;
    for (size_t i = 0; i < 5; ++i) some.push_back({parts[0]->rows[i]});
    buffer bytes;
    append_rows(bytes, some);
    answer(*parts[0], bytes.view(), ms);
    parts[0]->resume({.what = event::kind::closed}, 2 * ms);
    const cluster::node* dead = parts[0]->target();
    call.finished(std::move(parts[0]), view, 2 * ms);
    auto again = call.next_launch();
    ASSERT_NE(again, nullptr);
    EXPECT_NE(again->target(), dead);
    EXPECT_EQ(again->rows.size(), share - 5);
    answer(*again, reply_for(again->rows).view(), 3 * ms);
    call.finished(std::move(again), view, 3 * ms);
    answer(*parts[1], reply_for(parts[1]->rows).view(), 3 * ms);
    call.finished(std::move(parts[1]), view, 3 * ms);
    ASSERT_TRUE(call.done());
    ASSERT_EQ(call.failure(), nullptr);
    const batch_reply reply = call.take_reply();
    for (size_t row = 0; row < 100; ++row) EXPECT_EQ(value_of(reply, row), static_cast<int64_t>(row));
}

TEST(batch_call, a_reply_with_a_row_nobody_asked_for_is_refused) {
    const auto view = view_of(1, 1);
    for (const uint32_t wrong : {5u, 0xFFFFFFFFu}) {
        const request_of asked(3);
        batch_call call;
        transport_policy once;
        once.max_retries = 0;
        call.prepare(asked.request, once);
        call.start(view, 0);
        auto part = call.next_launch();
        buffer bytes;
        append_rows(bytes, std::vector<answer_row>{{0}, {wrong}});
        append_last(bytes);
        answer(*part, bytes.view(), ms);
        ASSERT_NE(part->failure(), nullptr);
        EXPECT_EQ(part->failure()->what, code::bad_reply);
        call.finished(std::move(part), view, ms);
        EXPECT_TRUE(call.done());
        ASSERT_NE(call.failure(), nullptr);
    }
}

TEST(batch_call, a_row_answered_twice_is_refused) {
    const auto view = view_of(1, 1);
    const request_of asked(3);
    batch_call call;
    transport_policy once;
    once.max_retries = 0;
    call.prepare(asked.request, once);
    call.start(view, 0);
    auto part = call.next_launch();
    buffer bytes;
    append_rows(bytes, std::vector<answer_row>{{0}, {1}, {1}});
    append_last(bytes);
    answer(*part, bytes.view(), ms);
    ASSERT_NE(part->failure(), nullptr);
    EXPECT_EQ(part->failure()->what, code::bad_reply);
    call.finished(std::move(part), view, ms);
}

TEST(batch_call, errors_of_rows_are_answers) {
    const auto view = view_of(1, 1);
    const request_of asked(3);
    batch_call call;
    call.prepare(asked.request, {});
    call.start(view, 0);
    auto part = call.next_launch();
    buffer bytes;
    append_rows(bytes, std::vector<answer_row>{{2, 2}, {0}, {1, 27}});
    append_last(bytes);
    answer(*part, bytes.view(), ms);
    call.finished(std::move(part), view, ms);
    ASSERT_TRUE(call.done());
    ASSERT_EQ(call.failure(), nullptr);
    const batch_reply reply = call.take_reply();
    EXPECT_EQ(reply.rows[0].code, 0);
    EXPECT_EQ(reply.rows[1].code, 27);
    EXPECT_EQ(reply.rows[2].code, 2);
}

TEST(batch_call, a_write_reports_row_by_row_what_is_in_doubt) {
    const auto view = view_of(2, 1);
    const request_of asked(40, true);
    batch_call call;
    transport_policy once;
    once.max_retries = 0;
    call.prepare(asked.request, once);
    call.start(view, 0);
    auto parts = launches(call);
    ASSERT_EQ(parts.size(), 2u);
    const std::vector<uint32_t> lost = parts[0]->rows;
    send_only(*parts[0], ms);
    parts[0]->resume({.what = event::kind::closed}, 2 * ms);
    call.finished(std::move(parts[0]), view, 2 * ms);
    answer(*parts[1], reply_for(parts[1]->rows).view(), 2 * ms);
    call.finished(std::move(parts[1]), view, 2 * ms);
    ASSERT_TRUE(call.done());
    ASSERT_EQ(call.failure(), nullptr);
    const batch_reply reply = call.take_reply();
    for (uint32_t row = 0; row < 40; ++row) {
        const bool was_lost = std::ranges::find(lost, row) != lost.end();
        EXPECT_EQ(reply.rows[row].in_doubt(), was_lost);
        EXPECT_EQ(reply.rows[row].code, was_lost ? static_cast<int16_t>(code::connection) : 0);
    }
}

TEST(batch_call, a_write_without_any_answer_is_in_doubt_when_some_row_is) {
    const auto view = view_of(2, 1);
    const request_of asked(40, true);
    batch_call call;
    transport_policy once;
    once.max_retries = 0;
    call.prepare(asked.request, once);
    call.start(view, 0);
    auto parts = launches(call);
    ASSERT_EQ(parts.size(), 2u);
    answer(*parts[0], reply_for({}, static_cast<uint8_t>(code::parameter)).view(), ms);
    call.finished(std::move(parts[0]), view, ms);
    send_only(*parts[1], ms);
    parts[1]->resume({.what = event::kind::closed}, 2 * ms);
    call.finished(std::move(parts[1]), view, 2 * ms);
    ASSERT_TRUE(call.done());
    ASSERT_NE(call.failure(), nullptr);
    EXPECT_EQ(call.failure()->what, code::parameter) << "what was refused first";
    EXPECT_TRUE(call.failure()->in_doubt) << "what was lost may have been written";
}

TEST(batch_call, the_deadline_ends_it_with_the_rows_that_came_kept) {
    const auto view = view_of(2, 1);
    const request_of asked(40);
    batch_call call;
    call.prepare(asked.request, {});
    call.start(view, 0);
    auto parts = launches(call);
    answer(*parts[0], reply_for(parts[0]->rows).view(), ms);
    const size_t came = parts[0]->rows.size();
    call.finished(std::move(parts[0]), view, ms);
    send_only(*parts[1], ms);
    call.wake(view, from_ms(1000));
    ASSERT_TRUE(call.done());
    ASSERT_NE(call.failure(), nullptr);
    EXPECT_EQ(call.failure()->what, code::deadline);
    const batch_reply reply = call.take_reply();
    EXPECT_EQ(static_cast<size_t>(std::ranges::count_if(reply.rows, [](const row_result& row) { return row.ok(); })),
              came);
}

TEST(batch_call, a_late_reply_is_drained_even_when_half_of_it_was_taken) {
    const auto view = view_of(1, 1);
    const request_of asked(20);
    batch_call call;
    call.prepare(asked.request, {});
    call.start(view, 0);
    auto part = call.next_launch();
    const buffer whole = reply_for(part->rows);
    const size_t cut = whole.size() / 2 + 5;
    answer(*part, whole.view().first(cut), ms);
    call.wake(view, from_ms(1000));
    ASSERT_TRUE(call.done());
    byte_view rest = whole.view().subspan(cut);
    action next = part->resume({.what = event::kind::received, .bytes = 0}, ms);
    while (next.what == action::kind::receive && !rest.empty()) {
        const size_t count = std::min(rest.size(), next.input.size());
        std::copy_n(rest.begin(), count, next.input.begin());
        rest = rest.subspan(count);
        next = part->resume({.what = event::kind::received, .bytes = count}, ms);
    }
    EXPECT_TRUE(part->connection_reusable());
}

TEST(batch_call, all_rows_go_to_the_preferred_rack_and_on_to_the_next_when_it_fails) {
    const auto view = view_of(3, 3, {10, 20, 30}, {20, 30});
    transport_policy policy;
    policy.replica = replica_policy::prefer_rack;
    const request_of asked(40);
    batch_call call;
    call.prepare(asked.request, policy);
    call.start(view, 0);
    for (const size_t node : {1, 2}) {
        auto parts = launches(call);
        ASSERT_EQ(parts.size(), 1u);
        EXPECT_EQ(parts[0]->target(), view->nodes[node].get());
        EXPECT_EQ(parts[0]->rows.size(), 40u);
        send_only(*parts[0], ms);
        parts[0]->resume({.what = event::kind::closed}, ms);
        call.finished(std::move(parts[0]), view, ms);
    }
    const request_of written(40, true);
    batch_call write;
    write.prepare(written.request, policy);
    write.start(view, 0);
    const auto parts = launches(write);
    EXPECT_EQ(parts.size(), 3u) << "writes go to the masters";
    write.abandon(code::cancelled, "", ms);
}

}  // namespace
}  // namespace aero::command
