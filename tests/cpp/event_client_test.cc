// The client for event loops, driven here by a loop of poll() as small as one can be.
#include "aero/event_client.h"

#include <poll.h>

#include <atomic>
#include <functional>
#include <map>

#include "base/time.h"
#include "client/client_shared.h"
#include "cluster_fixture.h"
#include "metrics/counters.h"
#include "wire/message.h"

namespace aero::test {
namespace {

constexpr uint8_t read_everything = 0x03;  // READ | GET_ALL

class loop {
  public:
    explicit loop(const client& shared, event_config config = {}) {
        auto made = event_client::create(shared, config);
        if (!made) throw std::runtime_error(made.error().text);
        calls_ = std::move(*made);
    }
    event_client& calls() { return *calls_; }

    // One round: what is gathered goes out, then waits for something to happen, at most so long.
    void turn(int64_t longest_ms) {
        if (calls_->needs_flush()) calls_->flush(monotonic_now());
        if (!calls_->has_completions()) wait(longest_ms);
        calls_->drain(monotonic_now());
        calls_->deliver();
    }
    template <class Condition>
    bool run_until(Condition condition, int64_t limit_ms = 20'000) {
        const nanos until = monotonic_now() + from_ms(limit_ms);
        while (!condition()) {
            if (monotonic_now() > until) return false;
            turn(100);
        }
        return true;
    }

  private:
    void wait(int64_t longest_ms) {
        std::vector<pollfd> watched;
        if (calls_->fd() >= 0) {
            watched.push_back({.fd = calls_->fd(), .events = POLLIN, .revents = 0});
        } else {
            std::vector<event_client::watch> each;
            calls_->watched(each);
            for (const auto& [fd, read, write] : each) {
                const auto events = static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0));
                watched.push_back({.fd = fd, .events = events, .revents = 0});
            }
        }
        const nanos due = calls_->next_deadline();
        const int64_t left_ms = due == never ? longest_ms : to_ms_ceil(due - monotonic_now());
        poll(watched.data(), watched.size(), static_cast<int>(std::min(longest_ms, left_ms)));
    }

    std::unique_ptr<event_client> calls_;
};

// Keeps what came; counts how often it was told.
struct expectation final : completion {
    void finished(call_outcome&& outcome) noexcept override {
        ++told;
        ended = std::move(outcome);
        if (then) then();
    }
    int told = 0;
    call_outcome ended;
    std::function<void()> then;
};

record_request get_of(const key& which) {
    return {.name_space = which.name_space, .set = which.set, .digest = *digest_of(which), .info1 = read_everything};
}

transport_policy within_ms(uint32_t total) {
    transport_policy policy;
    policy.total_timeout_ms = total;
    return policy;
}

class event_calls : public testing::TestWithParam<unsigned> {
  protected:
    event_calls() : nodes_(GetParam()), client_(nodes_.open()), loop_(client_) { EXPECT_TRUE(fill(client_, 200)); }
    ~event_calls() override {
        loop_.calls().close(monotonic_now());
        loop_.calls().deliver();
        client_.close();
    }
    event_client::ticket get(int64_t number, expectation& whom, uint32_t timeout_ms = 20'000) {
        const key which = key_of(number);
        return loop_.calls().submit(get_of(which), within_ms(timeout_ms), whom);
    }

    cluster nodes_;
    client client_;
    loop loop_;
};

INSTANTIATE_TEST_SUITE_P(nodes, event_calls, testing::Values(1u, 3u));

TEST_P(event_calls, lone_get_is_answered_once) {
    expectation one;
    EXPECT_NE(get(7, one), 0u);
    ASSERT_TRUE(loop_.run_until([&] { return one.told > 0; }));
    ASSERT_EQ(one.ended.failure, nullptr) << one.ended.failure->text;
    EXPECT_EQ(one.ended.record.code, code::ok);
    EXPECT_EQ(one.ended.record.op_count, 2);
    EXPECT_EQ(one.told, 1);
    EXPECT_EQ(loop_.calls().in_flight(), 0u);
}

TEST_P(event_calls, what_rests_with_a_loop_does_not_starve_threads) {
    client_config narrow = nodes_.config();
    narrow.connections_per_node_max = 1;
    auto opened = client::open(narrow);
    ASSERT_TRUE(opened.has_value()) << opened.error().text;
    loop other(*opened);
    std::vector<expectation> all(20);
    for (size_t i = 0; i < all.size(); ++i)
        other.calls().submit(get_of(key_of(static_cast<int64_t>(i))), within_ms(20'000), all[i]);
    ASSERT_TRUE(other.run_until([&] { return other.calls().in_flight() == 0; }));
    for (int64_t i = 0; i < 20; ++i) {
        const auto got = opened->get(key_of(i), patient<read_policy>());
        ASSERT_TRUE(got.has_value()) << got.error().text;
    }
    other.calls().close(monotonic_now());
    other.calls().deliver();
    opened->close();
}

TEST_P(event_calls, completions_run_inside_deliver_only) {
    expectation one;
    get(7, one);
    if (loop_.calls().needs_flush()) loop_.calls().flush(monotonic_now());
    const nanos until = monotonic_now() + from_ms(10'000);
    while (!loop_.calls().has_completions() && monotonic_now() < until) loop_.calls().drain(monotonic_now());
    EXPECT_EQ(one.told, 0);
    EXPECT_EQ(loop_.calls().deliver(), 1u);
    EXPECT_EQ(one.told, 1);
}

TEST_P(event_calls, thousands_at_once_all_come_back_merged_or_not) {
    for (const bool merge : {true, false}) {
        loop_.calls().set_merge_calls(merge);
        std::vector<expectation> all(3000);
        for (size_t i = 0; i < all.size(); ++i) get(static_cast<int64_t>(i % 250), all[i]);
        ASSERT_TRUE(loop_.run_until([&] { return loop_.calls().in_flight() == 0; }, 60'000));
        for (size_t i = 0; i < all.size(); ++i) {
            ASSERT_EQ(all[i].told, 1);
            ASSERT_EQ(all[i].ended.failure, nullptr) << all[i].ended.failure->text;
            ASSERT_EQ(all[i].ended.record.code, i % 250 < 200 ? code::ok : code::record_not_found);
            ASSERT_EQ(all[i].ended.record.op_count, i % 250 < 200 ? 2 : 0);
        }
    }
}

TEST_P(event_calls, cancelled_calls_are_never_told_and_the_others_are) {
    std::vector<expectation> all(500);
    std::vector<event_client::ticket> tickets;
    for (size_t i = 0; i < all.size(); ++i) tickets.push_back(get(static_cast<int64_t>(i % 200), all[i]));
    for (size_t i = 0; i < all.size(); i += 2) {
        loop_.calls().cancel(tickets[i]);
        if (i == 250) loop_.turn(1);
    }
    ASSERT_TRUE(loop_.run_until([&] { return loop_.calls().in_flight() == 0; }));
    for (size_t i = 1; i < all.size(); i += 2) {
        EXPECT_EQ(all[i].told, 1);
        EXPECT_EQ(all[i].ended.failure, nullptr);
    }
    for (size_t i = 252; i < all.size(); i += 2) EXPECT_LE(all[i].told, 1);  // may have been told in that turn
    for (size_t i = 0; i <= 250; i += 2) EXPECT_EQ(all[i].told, 0);
}

TEST_P(event_calls, completion_may_submit_and_cancel) {
    expectation first, second, never_told;
    first.then = [&] {
        loop_.calls().cancel(get(3, never_told));
        get(2, second);
    };
    get(1, first);
    ASSERT_TRUE(loop_.run_until([&] { return second.told > 0; }));
    EXPECT_EQ(second.ended.failure, nullptr);
    EXPECT_TRUE(loop_.run_until([&] { return loop_.calls().in_flight() == 0; }));
    EXPECT_EQ(never_told.told, 0);
}

TEST_P(event_calls, more_calls_than_may_wait_are_tried_again_until_there_is_room) {
    loop narrow(client_, {.merge_calls = false, .busy_connections_max = 1, .queued_calls_max = 2});
    const uint64_t overflows = metrics::count_of(metrics::event::queue_overflow);
    std::vector<expectation> all(40);
    for (expectation& each : all) narrow.calls().submit(get_of(key_of(1)), within_ms(20'000), each);
    EXPECT_GT(metrics::count_of(metrics::event::queue_overflow), overflows);
    ASSERT_TRUE(narrow.run_until([&] { return narrow.calls().in_flight() == 0; }));
    for (const expectation& each : all) EXPECT_EQ(each.ended.failure, nullptr) << each.ended.failure->text;
}

TEST_P(event_calls, request_beyond_a_message_is_refused_before_it_is_sent) {
    const std::vector<uint8_t> ops(wire::body_size_max);
    record_request too_large = get_of(key_of(1));
    too_large.ops = ops;
    too_large.op_count = 1;
    expectation alone, gathered;
    loop_.calls().submit(too_large, within_ms(20'000), alone);
    loop_.calls().submit(too_large, within_ms(20'000), gathered);
    ASSERT_TRUE(loop_.run_until([&] { return loop_.calls().in_flight() == 0; }));
    loop_.turn(0);
    for (const expectation* each : {&alone, &gathered}) {
        ASSERT_EQ(each->told, 1);
        ASSERT_NE(each->ended.failure, nullptr);
        EXPECT_EQ(each->ended.failure->what, code::invalid_argument);
        EXPECT_EQ(each->ended.times.sent, 0);
    }
}

TEST_P(event_calls, batch_comes_back_in_the_order_of_its_keys) {
    std::vector<digest> digests;
    for (int64_t i = 0; i < 400; ++i) digests.push_back(*digest_of(key_of(i)));
    const row_template shape{.name_space = "test", .set = "cpp", .info1 = read_everything};
    const batch_request request{.digests = digests, .templates = {&shape, 1}};
    std::vector<expectation> all(5);
    for (expectation& each : all) loop_.calls().submit(request, within_ms(20'000), each);
    ASSERT_TRUE(loop_.run_until([&] { return loop_.calls().in_flight() == 0; }));
    for (const expectation& each : all) {
        ASSERT_EQ(each.ended.failure, nullptr) << each.ended.failure->text;
        ASSERT_EQ(each.ended.batch.rows.size(), digests.size());
        for (size_t i = 0; i < digests.size(); ++i) EXPECT_EQ(each.ended.batch.rows[i].ok(), i < 200) << i;
    }
}

TEST_P(event_calls, hundred_thousand_keys_in_one_call) {
    std::vector<digest> digests;
    for (int64_t i = 0; i < 100'000; ++i) digests.push_back(*digest_of(key_of(i)));
    const row_template shape{.name_space = "test", .set = "cpp", .info1 = read_everything};
    const batch_request request{.digests = digests, .templates = {&shape, 1}};
    expectation one;
    loop_.calls().submit(request, within_ms(60'000), one);
    ASSERT_TRUE(loop_.run_until([&] { return one.told > 0; }, 60'000));
    ASSERT_EQ(one.ended.failure, nullptr) << one.ended.failure->text;
    size_t found = 0;
    for (const row_result& row : one.ended.batch.rows) found += row.ok();
    EXPECT_EQ(found, 200u);
}

TEST_P(event_calls, deadline_passes_while_the_loop_is_elsewhere) {
    expectation late;
    get(1, late, 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    ASSERT_TRUE(loop_.run_until([&] { return late.told > 0; }, 2000));
    // The reply lay in the socket when the loop came back; either end is honest, a third is not.
    const code ended = late.ended.failure == nullptr ? late.ended.record.code : late.ended.failure->what;
    EXPECT_TRUE(ended == code::ok || ended == code::deadline) << static_cast<int>(ended);
    expectation next;
    get(1, next);
    ASSERT_TRUE(loop_.run_until([&] { return next.told > 0; }));
    EXPECT_EQ(next.ended.failure, nullptr);
}

TEST_P(event_calls, info_is_asked_of_every_node) {
    expectation all;
    loop_.calls().submit_info("node", client::info_target::every_node, 5000, all);
    ASSERT_TRUE(loop_.run_until([&] { return all.told > 0; }));
    ASSERT_EQ(all.ended.failure, nullptr) << all.ended.failure->text;
    EXPECT_EQ(all.ended.info.size(), GetParam());
}

TEST_P(event_calls, close_fails_what_is_under_way) {
    std::vector<expectation> all(50);
    for (size_t i = 0; i < all.size(); ++i) get(static_cast<int64_t>(i), all[i]);
    loop_.calls().close(monotonic_now());
    while (loop_.calls().has_completions()) loop_.calls().deliver();
    for (const expectation& each : all) {
        EXPECT_EQ(each.told, 1);
        ASSERT_NE(each.ended.failure, nullptr);
        EXPECT_EQ(each.ended.failure->what, code::client);
    }
    EXPECT_EQ(loop_.calls().in_flight(), 0u);
}

TEST_P(event_calls, times_are_in_order_when_asked_for) {
    expectation timed;
    const key which = key_of(1);
    const nanos before = monotonic_now();
    loop_.calls().submit(get_of(which), within_ms(5000), timed, true);
    ASSERT_TRUE(loop_.run_until([&] { return timed.told > 0; }));
    const call_times& times = timed.ended.times;
    EXPECT_LE(before, times.admitted);
    EXPECT_LE(times.admitted, times.sent);
    EXPECT_LE(times.sent, times.received);
    EXPECT_LE(times.received, times.read);
    EXPECT_LE(times.read, monotonic_now());
    EXPECT_EQ(times.attempts, 1u);
}

TEST(event_loops, each_thread_drives_its_own_on_one_client) {
    const cluster nodes(2);
    client shared = nodes.open();
    ASSERT_TRUE(fill(shared, 100));
    std::atomic<int> answered = 0;
    {
        std::vector<std::jthread> threads;
        for (int number = 0; number < 4; ++number) {
            threads.emplace_back([&] {
                loop own(shared);
                for (int round = 0; round < 20 / slowness + 1; ++round) {
                    std::vector<expectation> all(50);
                    for (size_t i = 0; i < all.size(); ++i) {
                        const key which = key_of(static_cast<int64_t>(i));
                        own.calls().submit(get_of(which), within_ms(20'000), all[i]);
                    }
                    EXPECT_TRUE(own.run_until([&] { return own.calls().in_flight() == 0; }));
                    for (const expectation& each : all) answered += each.told == 1 && each.ended.failure == nullptr;
                }
                own.calls().close(monotonic_now());
                own.calls().deliver();
            });
        }
    }
    EXPECT_EQ(answered, 4 * 50 * (20 / slowness + 1));
    shared.close();
}

TEST(event_loops, a_loop_that_rested_plans_by_the_newest_view) {
    cluster nodes(3);
    client shared = nodes.open();
    loop own(shared, {.merge_calls = false});
    ASSERT_EQ(nodes.server().stop_node(2), "");
    ASSERT_TRUE(nodes.server().wait_until_stable(120'000));
    ASSERT_TRUE(comes_true_within(std::chrono::seconds(20), [&] { return shared.node_names().size() == 2; }));
    std::vector<expectation> all(60);
    for (size_t i = 0; i < all.size(); ++i) {
        const key which = key_of(static_cast<int64_t>(i));
        own.calls().submit(get_of(which), within_ms(20'000), all[i], true);
    }
    ASSERT_TRUE(own.run_until([&] { return own.calls().in_flight() == 0; }));
    for (const expectation& each : all) EXPECT_EQ(each.ended.times.attempts, 1u) << "asked where nobody is any more";
    own.calls().close(monotonic_now());
    shared.close();
}

TEST(event_loops, a_call_that_waits_for_a_slot_ends_at_its_own_deadline) {
    struct holder final : command::limiter::waiter {
        void granted() noexcept override {}
    } nobody;
    cluster nodes(1);
    client_config config = nodes.config();
    config.max_concurrent_operations = 1;
    config.operation_queue_timeout_ms = 60'000;
    client shared = *client::open(config);
    ASSERT_EQ(shared.handle()->limiter.enter(nobody), command::limiter::admission::granted);
    loop own(shared);
    expectation late;
    const key which = key_of(1);
    own.calls().submit(get_of(which), within_ms(50), late);
    ASSERT_TRUE(own.run_until([&] { return late.told > 0; }));
    ASSERT_NE(late.ended.failure, nullptr);
    EXPECT_EQ(late.ended.failure->what, code::deadline);
    EXPECT_EQ(late.ended.failure->where, stage::limiter_wait);
    const result<record_reply> alike = shared.execute(get_of(which), within_ms(50));
    ASSERT_FALSE(alike.has_value());
    EXPECT_EQ(alike.error().what, code::deadline);
    EXPECT_EQ(alike.error().where, stage::limiter_wait);
    shared.handle()->limiter.leave();
    own.calls().close(monotonic_now());
    shared.close();
}

TEST(event_loops, nodes_stop_and_start_under_load) {
    cluster nodes(3);
    client shared = nodes.open();
    ASSERT_TRUE(fill(shared, 100));
    loop own(shared);
    transport_policy patient_policy = within_ms(20'000);
    patient_policy.max_retries = 10;
    std::jthread trouble([&] {
        for (unsigned round = 0; round < 2; ++round) {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            EXPECT_EQ(nodes.server().stop_node(round), "");
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
            EXPECT_EQ(nodes.server().start_node(round), "");
            ASSERT_TRUE(nodes.server().wait_until_stable(120'000));
        }
    });
    const nanos until = monotonic_now() + from_ms(2500);
    while (monotonic_now() < until) {
        std::vector<expectation> all(100);
        for (size_t i = 0; i < all.size(); ++i) {
            const key which = key_of(static_cast<int64_t>(i));
            own.calls().submit(get_of(which), patient_policy, all[i]);
        }
        ASSERT_TRUE(own.run_until([&] { return own.calls().in_flight() == 0; }, 60'000));
        for (const expectation& each : all) {
            ASSERT_EQ(each.ended.failure, nullptr) << each.ended.failure->text;
            ASSERT_EQ(each.ended.record.code, code::ok);
        }
    }
    trouble.join();
    own.calls().close(monotonic_now());
    own.calls().deliver();
    shared.close();
}

}  // namespace
}  // namespace aero::test
