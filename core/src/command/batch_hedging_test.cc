// Batches whose slow nodes have company: which rows are asked of whom, and whose answer each takes.
#include <gtest/gtest.h>

#include <set>

#include "command/batch_fixture.h"
#include "metrics/counters.h"

namespace aero::command {
namespace {

using namespace testing;
using metrics::count_of;

constexpr unsigned rows = 60;

std::vector<uint32_t> sorted(std::vector<uint32_t> which) {
    std::ranges::sort(which);
    return which;
}

// Bytes for an attempt that has been sent.
void hand_in(attempt& to, byte_view bytes, nanos now) {
    while (!bytes.empty() && !to.finished()) {
        const action next = to.resume({.what = command::event::kind::received}, now);
        const size_t count = std::min(bytes.size(), next.input.size());
        std::copy_n(bytes.begin(), count, next.input.begin());
        bytes = bytes.subspan(count);
        to.resume({.what = command::event::kind::received, .bytes = count}, now);
    }
}

// A batch on three nodes of which two have answered; the third has had its request for 10 ms.
struct hedged_batch {
    explicit hedged_batch(cluster::view_ptr by = hedging_view(), const transport_policy& policy = {})
        : view(std::move(by)), asked(rows) {
        call.prepare(asked.request, policy);
        call.start(view, ms);
        auto parts = launches(call);
        EXPECT_EQ(parts.size(), 3u);
        for (auto& part : parts) send_only(*part, ms);
        first = std::move(parts[0]);
        for (size_t i = 1; i < parts.size(); ++i) {
            hand_in(*parts[i], reply_for(parts[i]->rows).view(), 2 * ms);
            call.finished(std::move(parts[i]), view, 2 * ms);
        }
        share = sorted(first->rows);
        EXPECT_EQ(call.wakeup_at(), 11 * ms);
        call.wake(view, 11 * ms);
        beside = launches(call);
        for (auto& one : beside) send_only(*one, 11 * ms);
    }
    ~hedged_batch() {
        if (!call.done()) call.abandon(code::cancelled, "over", 999 * ms);
    }
    void finish(std::unique_ptr<attempt>& which, nanos now) { call.finished(std::move(which), view, now); }
    void answer_by(std::unique_ptr<attempt>& which, nanos now) {
        hand_in(*which, reply_for(which->rows).view(), now);
        finish(which, now);
    }
    void break_off(std::unique_ptr<attempt>& which, nanos now) {
        which->resume({.what = command::event::kind::closed}, now);
        finish(which, now);
    }
    void expect_whole() {
        ASSERT_TRUE(call.done());
        ASSERT_EQ(call.failure(), nullptr);
        const batch_reply reply = call.take_reply();
        for (size_t row = 0; row < rows; ++row) {
            ASSERT_TRUE(reply.rows[row].ok()) << row;
            EXPECT_EQ(value_of(reply, row), static_cast<int64_t>(row));
        }
    }

    cluster::view_ptr view;
    request_of asked;
    batch_call call;
    std::unique_ptr<attempt> first;
    std::vector<uint32_t> share;
    std::vector<std::unique_ptr<attempt>> beside;
};

TEST(batch_hedging, asks_the_replicas_for_the_rows_of_the_slow_node_and_for_no_others) {
    hedged_batch batch;
    std::vector<uint32_t> again;
    for (const auto& one : batch.beside) {
        EXPECT_NE(one->target(), batch.first->target());
        for (const uint32_t row : one->rows) {
            const auto& map = *batch.view->namespaces.front();
            EXPECT_EQ(one->target(),
                      batch.view->nodes[map.owners[1][wire::partition_of(batch.asked.digests[row])]].get());
            again.push_back(row);
        }
    }
    EXPECT_EQ(sorted(again), batch.share);
    batch.call.wake(batch.view, 100 * ms);
    EXPECT_EQ(batch.call.next_launch(), nullptr) << "once a call";
}

TEST(batch_hedging, with_three_copies_the_rows_of_one_node_go_to_as_many_as_hold_them) {
    const auto view = hedging_view(4, 3);
    const request_of asked(100);
    batch_call call;
    transport_policy any;
    any.replica = replica_policy::random;
    call.prepare(asked.request, any);
    call.start(view, ms);
    auto firsts = launches(call);
    call.wake(view, 11 * ms);
    const auto beside = launches(call);
    EXPECT_GT(beside.size(), firsts.size()) << "the rows of one have their replicas on several";
    size_t rows_beside = 0;
    for (const auto& one : beside) rows_beside += one->rows.size();
    EXPECT_EQ(rows_beside, 100u);
    call.abandon(code::cancelled, "over", 12 * ms);
}

TEST(batch_hedging, the_second_wins_and_the_first_is_let_go_of_to_be_drained) {
    const uint64_t sent = count_of(metrics::event::hedge_sent), won = count_of(metrics::event::hedge_won);
    hedged_batch batch;
    ASSERT_EQ(batch.beside.size(), 1u);
    batch.answer_by(batch.beside[0], 12 * ms);
    batch.expect_whole();
    EXPECT_EQ(batch.first->owner(), nullptr);
    EXPECT_EQ(batch.call.next_released(), batch.first.get());
    hand_in(*batch.first, reply_for(batch.share).view(), 30 * ms);
    EXPECT_TRUE(batch.first->connection_reusable());
    EXPECT_EQ(count_of(metrics::event::hedge_sent) - sent + count_of(metrics::event::hedge_won) - won,
              2 * batch.share.size());
}

TEST(batch_hedging, the_first_wins_although_another_was_asked) {
    const uint64_t won = count_of(metrics::event::hedge_won);
    hedged_batch batch;
    batch.answer_by(batch.first, 12 * ms);
    batch.expect_whole();
    EXPECT_EQ(batch.beside[0]->owner(), nullptr);
    EXPECT_EQ(count_of(metrics::event::hedge_won), won);
}

TEST(batch_hedging, each_row_takes_the_answer_that_comes_first) {
    hedged_batch batch;
    const std::vector<uint32_t> early(batch.share.begin(), batch.share.begin() + 4);
    buffer some;
    std::vector<answer_row> answers;
    for (const uint32_t row : early) answers.push_back({row});
    append_rows(some, answers);
    hand_in(*batch.first, some.view(), 12 * ms);  // the first has begun to answer
    // The second answers all: what came before is passed over, whichever of the two brought it.
    batch.answer_by(batch.beside[0], 13 * ms);
    batch.expect_whole();
    EXPECT_EQ(batch.first->owner(), nullptr);
}

TEST(batch_hedging, what_one_did_not_answer_is_left_to_the_other_and_asked_again_only_when_both_failed) {
    hedged_batch batch(hedging_view(), {.max_retries = 1});
    batch.break_off(batch.first, 12 * ms);
    EXPECT_EQ(batch.call.next_launch(), nullptr) << "its rows are asked for elsewhere";
    ASSERT_FALSE(batch.call.done());
    batch.break_off(batch.beside[0], 13 * ms);
    auto third = batch.call.next_launch();
    ASSERT_NE(third, nullptr) << "that is a retry";
    EXPECT_EQ(sorted(third->rows), batch.share);
    send_only(*third, 13 * ms);
    batch.answer_by(third, 14 * ms);
    batch.expect_whole();
}

TEST(batch_hedging, a_second_that_fails_leaves_it_to_the_first) {
    hedged_batch batch(hedging_view(), {.max_retries = 0});
    batch.break_off(batch.beside[0], 12 * ms);
    ASSERT_FALSE(batch.call.done());
    batch.answer_by(batch.first, 13 * ms);
    batch.expect_whole();
}

TEST(batch_hedging, when_both_fail_and_nothing_is_left_the_batch_fails) {
    hedged_batch batch(hedging_view(), {.max_retries = 0});
    batch.break_off(batch.beside[0], 12 * ms);
    batch.break_off(batch.first, 13 * ms);
    ASSERT_TRUE(batch.call.done());
    ASSERT_NE(batch.call.failure(), nullptr);
    EXPECT_EQ(batch.call.failure()->what, code::connection);
    const batch_reply reply = batch.call.take_reply();
    for (const uint32_t row : batch.share) EXPECT_EQ(reply.rows[row].code, static_cast<int16_t>(code::connection));
}

TEST(batch_hedging, the_deadline_ends_all_and_keeps_what_came) {
    hedged_batch batch;
    batch.call.wake(batch.view, 1001 * ms);
    ASSERT_TRUE(batch.call.done());
    EXPECT_EQ(batch.call.failure()->what, code::deadline);
    EXPECT_EQ(batch.first->owner(), nullptr);
    EXPECT_EQ(batch.beside[0]->owner(), nullptr);
    const batch_reply reply = batch.call.take_reply();
    const std::set<uint32_t> missing(batch.share.begin(), batch.share.end());
    for (uint32_t row = 0; row < rows; ++row) EXPECT_EQ(reply.rows[row].ok(), !missing.contains(row)) << row;
}

TEST(batch_hedging, a_replica_that_refuses_a_row_has_not_answered_it) {
    hedged_batch batch;
    buffer refusals;
    std::vector<answer_row> answers;
    for (const uint32_t row : batch.share) answers.push_back({row, static_cast<uint8_t>(code::partition_unavailable)});
    append_rows(refusals, answers);
    append_last(refusals);
    hand_in(*batch.beside[0], refusals.view(), 12 * ms);
    batch.finish(batch.beside[0], 12 * ms);
    ASSERT_FALSE(batch.call.done());
    EXPECT_EQ(batch.call.next_launch(), nullptr);
    batch.answer_by(batch.first, 13 * ms);
    batch.expect_whole();
}

TEST(batch_hedging, a_row_that_nobody_asked_of_the_second_is_refused) {
    hedged_batch batch;
    uint32_t foreign = 0;
    while (std::ranges::binary_search(batch.share, foreign)) ++foreign;
    buffer wrong;
    append_rows(wrong, std::vector<answer_row>{{foreign}});
    hand_in(*batch.beside[0], wrong.view(), 12 * ms);
    ASSERT_NE(batch.beside[0]->failure(), nullptr);
    EXPECT_EQ(batch.beside[0]->failure()->what, code::bad_reply);
    batch.finish(batch.beside[0], 12 * ms);
    batch.answer_by(batch.first, 13 * ms);
    batch.expect_whole();
}

TEST(batch_hedging, pays_by_the_row_and_asks_for_no_more_than_was_saved) {
    const uint64_t sent = count_of(metrics::event::hedge_sent), refused = count_of(metrics::event::hedge_refused);
    const auto view = hedging_view(3, 2, 0.1);
    uint64_t read = 0;
    for (int i = 0; i < 30; ++i, read += rows) {
        hedged_batch batch(view);
        batch.answer_by(batch.first, 12 * ms);
        batch.expect_whole();
    }
    EXPECT_LE(count_of(metrics::event::hedge_sent) - sent, read / 10);
    EXPECT_GT(count_of(metrics::event::hedge_sent) - sent, read / 20);
    EXPECT_GT(count_of(metrics::event::hedge_refused), refused);
}

TEST(batch_hedging, never_for_writes_and_never_beside_the_master_alone) {
    const auto view = hedging_view();
    for (const bool writes : {true, false}) {
        const request_of asked(rows, writes);
        batch_call call;
        transport_policy policy;
        if (!writes) policy.replica = replica_policy::master;
        call.prepare(asked.request, policy);
        call.start(view, ms);
        const auto parts = launches(call);
        EXPECT_GT(call.wakeup_at(), 11 * ms);
        call.wake(view, 100 * ms);
        EXPECT_EQ(call.next_launch(), nullptr);
        call.abandon(code::cancelled, "over", 100 * ms);
    }
}

}  // namespace
}  // namespace aero::command
