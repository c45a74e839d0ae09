#include "command/record_call.h"

#include <gtest/gtest.h>

#include "command/machine_fixture.h"

namespace aero::command {
namespace {

using namespace testing;

record_request get_request(unsigned key = 1) {
    record_request request;
    request.name_space = "test";
    request.set = "demo";
    request.digest = key_digest(key);
    request.info1 = wire::info1::read | wire::info1::get_all;
    return request;
}

record_request put_request() {
    record_request request = get_request();
    request.info1 = 0;
    request.info2 = wire::info2::write;
    request.is_write = true;
    return request;
}

transport_policy read_policy() { return {}; }
transport_policy write_policy() {
    transport_policy policy;
    policy.max_retries = 0;
    return policy;
}

TEST(record_call, gives_the_answer_of_the_master_whatever_pieces_it_arrives_in) {
    const auto view = view_of(3, 2);
    for (const size_t step : {size_t{1}, size_t{7}, SIZE_MAX}) {
        record_call call;
        call.prepare(get_request(), read_policy());
        call.start(view, ms);
        auto sent = call.next_launch();
        ASSERT_NE(sent, nullptr);
        EXPECT_EQ(sent->target(), view->nodes[wire::partition_of(key_digest(1)) % 3].get());
        EXPECT_EQ(call.next_launch(), nullptr);
        answer(*sent, record_answer(0, 42).view(), 2 * ms, step);
        EXPECT_TRUE(sent->connection_reusable());
        call.finished(std::move(sent), view, 2 * ms);
        ASSERT_TRUE(call.done());
        ASSERT_EQ(call.failure(), nullptr);
        const record_reply reply = call.take_reply();
        EXPECT_EQ(reply.code, code::ok);
        EXPECT_EQ(reply.generation, 3u);
        ASSERT_EQ(reply.op_count, 1);
        reader ops(reply.ops);
        EXPECT_EQ(load_be<int64_t>(wire::read_op(ops).value.data()), 42);
        EXPECT_EQ(call.times().sent, 2 * ms);
        EXPECT_EQ(call.times().read, 2 * ms);
    }
}

TEST(record_call, a_session_that_is_over_costs_one_retry_even_of_a_write_and_its_connection) {
    const auto view = view_of(3, 2);
    for (const code over : {code::not_authenticated, code::expired_session}) {
        record_call call;
        call.prepare(put_request(), write_policy());
        call.start(view, ms);
        auto sent = call.next_launch();
        answer(*sent, record_answer(static_cast<uint8_t>(over), 0).view(), ms);
        EXPECT_TRUE(sent->session_over());
        EXPECT_FALSE(sent->connection_reusable());
        call.finished(std::move(sent), view, ms);
        ASSERT_FALSE(call.done());
        EXPECT_TRUE(call.wants_tend());
        auto again = call.next_launch();
        ASSERT_NE(again, nullptr);
        EXPECT_EQ(again->target(), view->nodes[wire::partition_of(key_digest(1)) % 3].get());
        answer(*again, record_answer(static_cast<uint8_t>(over), 0).view(), ms);
        call.finished(std::move(again), view, ms);
        ASSERT_TRUE(call.done());
        ASSERT_NE(call.failure(), nullptr);
        EXPECT_EQ(call.failure()->what, over);
        EXPECT_FALSE(call.failure()->in_doubt);
    }
}

TEST(record_call, a_refusal_of_the_server_is_an_answer_and_not_retried) {
    const auto view = view_of(3, 2);
    record_call call;
    call.prepare(get_request(), read_policy());
    call.start(view, ms);
    auto sent = call.next_launch();
    answer(*sent, record_answer(2, 0).view(), ms);
    call.finished(std::move(sent), view, ms);
    ASSERT_TRUE(call.done());
    EXPECT_EQ(call.take_reply().code, code::record_not_found);
}

TEST(record_call, a_read_moves_to_the_replica_when_the_connection_breaks) {
    const auto view = view_of(3, 2);
    record_call call;
    call.prepare(get_request(), read_policy());
    call.start(view, ms);
    auto first = call.next_launch();
    const cluster::node* master = first->target();
    send_only(*first, ms);
    first->resume({.what = event::kind::closed}, 2 * ms);
    call.finished(std::move(first), view, 2 * ms);
    ASSERT_FALSE(call.done());
    EXPECT_TRUE(call.wants_tend());
    auto second = call.next_launch();
    ASSERT_NE(second, nullptr);
    EXPECT_NE(second->target(), master);
    answer(*second, record_answer(0, 7).view(), 3 * ms);
    call.finished(std::move(second), view, 3 * ms);
    ASSERT_TRUE(call.done());
    EXPECT_EQ(call.failure(), nullptr);
    EXPECT_EQ(call.times().attempts, 2u);
}

TEST(record_call, a_silent_node_costs_a_read_only_its_share_of_the_time) {
    const auto view = view_of(3, 2);
    record_call call;
    call.prepare(get_request(), read_policy());  // 1000 ms, 2 retries
    call.start(view, 0);
    auto first = call.next_launch();
    send_only(*first, ms);
    EXPECT_EQ(call.wakeup_at(), from_ms(1000) / 3);
    call.wake(view, call.wakeup_at());
    EXPECT_EQ(first->owner(), nullptr);  // drains by itself
    EXPECT_NE(call.next_released(), nullptr);
    EXPECT_EQ(call.next_released(), nullptr);
    auto second = call.next_launch();
    ASSERT_NE(second, nullptr);
    EXPECT_NE(second->target(), first->target());
    answer(*second, record_answer(0, 1).view(), 350 * ms);
    call.finished(std::move(second), view, 350 * ms);
    EXPECT_TRUE(call.done());
    // The late reply is read and dropped, and the connection lives on.
    action next = {.what = action::kind::receive, .input = {}};
    const buffer late = record_answer(0, 9);
    answer(*first, late.view(), 400 * ms);
    EXPECT_TRUE(first->connection_reusable());
    static_cast<void>(next);
}

TEST(record_call, a_read_leaves_its_first_node_within_a_third_of_its_time_where_there_is_another) {
    const auto view = view_of(3, 2);
    for (const uint32_t retries : {0, 1, 2, 4}) {
        for (const replica_policy replica : {replica_policy::sequence, replica_policy::master}) {
            transport_policy policy = read_policy();
            policy.max_retries = retries;
            policy.replica = replica;
            record_call call;
            call.prepare(get_request(), policy);
            call.start(view, 0);
            const auto first = call.next_launch();
            send_only(*first, ms);
            const bool stays = retries == 0 || replica == replica_policy::master;
            EXPECT_EQ(call.wakeup_at(), from_ms(1000) / (stays ? 1 : std::max(retries + 1, 3u))) << retries;
            call.abandon(code::cancelled, "over", ms);
        }
    }
}

TEST(record_call, with_one_replica_a_read_waits_its_whole_deadline_for_it) {
    const auto view = view_of(1, 1);
    record_call call;
    call.prepare(get_request(), read_policy());
    call.start(view, 0);
    auto only = call.next_launch();
    send_only(*only, ms);
    EXPECT_EQ(call.wakeup_at(), from_ms(1000));
    call.wake(view, from_ms(1000));
    ASSERT_TRUE(call.done());
    ASSERT_NE(call.failure(), nullptr);
    EXPECT_EQ(call.failure()->what, code::deadline);
    EXPECT_EQ(call.failure()->where, stage::io);
    EXPECT_FALSE(call.failure()->in_doubt);
    EXPECT_EQ(call.failure()->node, "127.0.0.1:4000");
}

TEST(record_call, a_write_that_was_sent_and_not_answered_is_in_doubt) {
    const auto view = view_of(3, 2);
    record_call call;
    call.prepare(put_request(), write_policy());
    call.start(view, 0);
    auto sent = call.next_launch();
    send_only(*sent, ms);
    sent->resume({.what = event::kind::closed}, 2 * ms);
    call.finished(std::move(sent), view, 2 * ms);
    ASSERT_TRUE(call.done());
    ASSERT_NE(call.failure(), nullptr);
    EXPECT_EQ(call.failure()->what, code::connection);
    EXPECT_TRUE(call.failure()->in_doubt);
}

TEST(record_call, a_write_that_was_refused_before_its_deadline_is_not_in_doubt) {
    const auto view = view_of(1, 1);
    record_call call;
    transport_policy policy = write_policy();
    policy.max_retries = 5;
    policy.sleep_between_retries_ms = 50;
    call.prepare(put_request(), policy);
    call.start(view, 0);
    auto sent = call.next_launch();
    answer(*sent, record_answer(static_cast<uint8_t>(code::device_overload), 0).view(), ms);
    call.finished(std::move(sent), view, ms);
    EXPECT_FALSE(call.done());
    call.wake(view, call.deadline());
    ASSERT_TRUE(call.done());
    EXPECT_EQ(call.failure()->what, code::deadline);
    EXPECT_FALSE(call.failure()->in_doubt) << "its one attempt was refused";
    EXPECT_EQ(call.failure()->where, stage::io);
}

TEST(record_call, an_attempt_that_sent_nothing_is_not_a_retry) {
    const auto view = view_of(3, 2);
    record_call call;
    call.prepare(put_request(), write_policy());  // no retries allowed
    call.start(view, 0);
    nanos now = 0;
    for (int refused = 0; refused < 4; ++refused) {
        auto attempt = call.next_launch();
        ASSERT_NE(attempt, nullptr) << refused;
        attempt->fail(code::connection, "connection refused");
        call.finished(std::move(attempt), view, now);
        ASSERT_FALSE(call.done()) << refused;
        now += 100 * ms;  // past every pause
        call.wake(view, now);
    }
    auto last = call.next_launch();
    answer(*last, record_answer(0, 1).view(), now);
    call.finished(std::move(last), view, now);
    ASSERT_TRUE(call.done());
    EXPECT_EQ(call.failure(), nullptr);
}

TEST(record_call, a_write_that_could_never_be_sent_is_not_in_doubt_at_its_deadline) {
    const auto view = view_of(1, 1);
    record_call call;
    call.prepare(put_request(), write_policy());
    call.start(view, 0);
    nanos now = 0;
    while (!call.done()) {
        if (auto attempt = call.next_launch()) {
            attempt->fail(code::connection, "connection refused");
            call.finished(std::move(attempt), view, now);
        }
        if (call.done()) break;
        now = std::max(now, call.wakeup_at());
        call.wake(view, now);
    }
    EXPECT_EQ(now, from_ms(1000));
    ASSERT_NE(call.failure(), nullptr);
    EXPECT_EQ(call.failure()->what, code::deadline);
    EXPECT_EQ(call.failure()->where, stage::tokio_schedule_delay);
    EXPECT_FALSE(call.failure()->in_doubt);
    EXPECT_NE(call.failure()->text.find("connection refused"), std::string::npos) << call.failure()->text;
}

TEST(record_call, sleeps_between_retries_and_counts_the_pause) {
    const auto view = view_of(3, 2);
    record_call call;
    transport_policy policy = read_policy();
    policy.sleep_between_retries_ms = 50;
    call.prepare(get_request(), policy);
    call.start(view, 0);
    auto first = call.next_launch();
    send_only(*first, ms);
    first->resume({.what = event::kind::closed}, 10 * ms);
    call.finished(std::move(first), view, 10 * ms);
    const nanos again_at = call.wakeup_at();
    EXPECT_GT(again_at, 10 * ms);
    EXPECT_LE(again_at, 60 * ms);
    EXPECT_EQ(call.next_launch(), nullptr);
    call.wake(view, again_at);
    auto second = call.next_launch();
    ASSERT_NE(second, nullptr);
    answer(*second, record_answer(0, 1).view(), 61 * ms);
    call.finished(std::move(second), view, 61 * ms);
    EXPECT_EQ(call.times().retry_wait, again_at - 10 * ms);
}

TEST(record_call, an_unknown_namespace_ends_at_once_and_names_those_there_are) {
    const auto view = view_of(1, 1);
    record_call call;
    record_request request = get_request();
    request.name_space = "nope";
    call.prepare(request, read_policy());
    call.start(view, 0);
    ASSERT_TRUE(call.done());
    ASSERT_NE(call.failure(), nullptr);
    EXPECT_EQ(call.failure()->what, code::invalid_namespace);
    EXPECT_EQ(call.failure()->text, "namespace 'nope' is not in the cluster, which has: test");
}

TEST(record_call, without_any_node_it_waits_for_one_instead_of_doubting_the_namespace) {
    const auto nobody = std::make_shared<const cluster::view>();
    record_call call;
    call.prepare(get_request(), read_policy());
    call.start(nobody, 0);
    EXPECT_FALSE(call.done());
    EXPECT_EQ(call.next_launch(), nullptr);
    EXPECT_TRUE(call.wants_tend());
    const auto somebody = view_of(1, 1);
    call.wake(somebody, ms);
    auto sent = call.next_launch();
    ASSERT_NE(sent, nullptr);
    answer(*sent, record_answer(0, 1).view(), ms);
    call.finished(std::move(sent), somebody, ms);
    EXPECT_TRUE(call.done());
    EXPECT_EQ(call.failure(), nullptr);
}

TEST(record_call, a_reply_that_overruns_itself_costs_the_connection) {
    const auto view = view_of(1, 1);
    constexpr size_t field_count_at = 26, op_count_at = 28;
    for (const size_t damaged : {field_count_at, op_count_at}) {
        record_call call;
        call.prepare(put_request(), write_policy());
        call.start(view, 0);
        auto sent = call.next_launch();
        buffer bytes = record_answer(0, 1);
        store_be<uint16_t>(bytes.data() + damaged, 0xFFFF);
        answer(*sent, bytes.view(), ms);
        ASSERT_NE(sent->failure(), nullptr);
        EXPECT_EQ(sent->failure()->what, code::bad_reply);
        EXPECT_FALSE(sent->connection_reusable());
        call.finished(std::move(sent), view, ms);
        EXPECT_TRUE(call.done());
        EXPECT_TRUE(call.failure()->in_doubt);
    }
}

TEST(record_call, bytes_that_are_no_message_break_the_attempt_and_its_connection) {
    const auto view = view_of(1, 1);
    for (const std::string_view garbage :
         {"HTTP/1.1 400 Bad Request\r\n", "\x02\x03\xff\xff\xff\xff\xff\xff", "\x02\x01"}) {
        record_call call;
        call.prepare(put_request(), write_policy());
        call.start(view, 0);
        auto sent = call.next_launch();
        buffer bytes;
        bytes.append(garbage);
        while (bytes.size() < 8) bytes.append_u8(0);
        answer(*sent, bytes.view(), ms);
        EXPECT_TRUE(sent->finished());
        EXPECT_FALSE(sent->connection_reusable());
        ASSERT_NE(sent->failure(), nullptr);
        EXPECT_EQ(sent->failure()->what, code::bad_reply);
        call.finished(std::move(sent), view, ms);
        EXPECT_TRUE(call.done());
    }
}

TEST(record_call, more_bytes_than_the_answer_make_the_connection_unusable) {
    const auto view = view_of(1, 1);
    record_call call;
    call.prepare(get_request(), read_policy());
    call.start(view, 0);
    auto sent = call.next_launch();
    buffer bytes = record_answer(0, 1);
    bytes.append_u8(2);
    answer(*sent, bytes.view(), ms);
    EXPECT_TRUE(sent->finished());
    EXPECT_EQ(sent->failure(), nullptr);
    EXPECT_FALSE(sent->connection_reusable());
    call.finished(std::move(sent), view, ms);
}

TEST(record_call, a_call_that_is_abandoned_lets_its_attempt_go) {
    const auto view = view_of(1, 1);
    record_call call;
    call.prepare(get_request(), read_policy());
    call.start(view, 0);
    auto sent = call.next_launch();
    send_only(*sent, ms);
    call.abandon(code::cancelled, "cancelled", 2 * ms);
    EXPECT_TRUE(call.done());
    EXPECT_EQ(sent->owner(), nullptr);
    EXPECT_EQ(sent->drain_until, from_ms(1000));
}

TEST(record_call, reads_walk_the_racks_in_their_order_and_writes_go_to_the_master) {
    const auto view = view_of(3, 3, {10, 20, 30}, {30, 10});
    transport_policy policy;
    policy.replica = replica_policy::prefer_rack;
    for (unsigned key = 0; key < 20; ++key) {
        record_call read;
        read.prepare(get_request(key), policy);
        read.start(view, 0);
        nanos now = ms;
        for (const size_t node : {2, 0, 1}) {
            auto sent = read.next_launch();
            ASSERT_NE(sent, nullptr);
            EXPECT_EQ(sent->target(), view->nodes[node].get());
            send_only(*sent, now);
            sent->resume({.what = event::kind::closed}, now);
            read.finished(std::move(sent), view, now);
            now = read.wakeup_at();
            read.wake(view, now);
        }
        record_call write;
        record_request request = put_request();
        request.digest = key_digest(key);
        write.prepare(request, policy);
        write.start(view, 0);
        const auto sent = write.next_launch();
        EXPECT_EQ(sent->target(), view->nodes[wire::partition_of(key_digest(key)) % 3].get());
        write.abandon(code::cancelled, "", ms);
    }
}

}  // namespace
}  // namespace aero::command
