// Calls on event loops.
#include <poll.h>

#include <algorithm>
#include <array>

#include "aero/event_client.h"
#include "base/time.h"
#include "memory/starving.h"
#include "metrics/counters.h"
#include "wire/message.h"

namespace aero::test {
namespace {

struct answer final : completion {
    void finished(call_outcome&& outcome) noexcept override {
        ++told;
        ended = std::move(outcome);
    }
    int told = 0;
    event_client::ticket ticket = 0;
    call_outcome ended;
};

record_request get_of(const key& which, const digest& hashed) {
    return {.name_space = which.name_space,
            .set = which.set,
            .digest = hashed,
            .info1 = wire::info1::read | wire::info1::get_all};
}

class starved_loop : public starved_client {
  protected:
    // Each failure may cost the connections, so that far down not every allocation has its turn.
    void starve_loop(const std::function<trouble()>& use, const std::function<void()>& works) {
        test::starve(GetParam(), use, works, 20);
    }
    static constexpr size_t gets = 12;
    explicit starved_loop(client_config how = plain_config())
        : starved_client(std::move(how)), loop_(std::move(*event_client::create(client_))), all_(keys()) {
        for (const key& one : all_) digests_.push_back(*digest_of(one));
        shape_.name_space = "test";
        shape_.set = "starved";
        shape_.info1 = wire::info1::read | wire::info1::get_all;
        policy_.total_timeout_ms = 10'000;
    }
    ~starved_loop() override {
        loop_->close(monotonic_now());
        loop_->deliver();
    }

    // Gets enough to share messages, and a batch: all of one tick. Gives the first trouble.
    trouble use_loop(event_client& loop) {
        answers_ = {};
        batch_ = {};
        for (size_t i = 0; i < gets; ++i)
            answers_[i].ticket = loop.submit(get_of(all_[i], digests_[i]), policy_, answers_[i]);
        batch_request rows{.digests = digests_, .templates = std::span(&shape_, 1)};
        rows.flags = wire::batch_flag::report_error_row | wire::batch_flag::in_line;
        batch_.ticket = loop.submit(rows, policy_, batch_);
        const auto open = [](const answer& one) { return one.ticket != 0 && one.told == 0; };
        wait_for([&] { return std::ranges::none_of(answers_, open) && !open(batch_); }, loop);
        trouble first;
        for (const answer& one : answers_) note(first, one);
        note(first, batch_);
        return first;
    }
    static void note(trouble& first, const answer& of) {
        if (first) return;
        if (of.ticket != 0 && of.told != 1) first = error{.text = "told " + std::to_string(of.told) + " times"};
        if (of.ticket == 0 && of.told == 0) first = error{.what = code::no_memory, .text = "out of memory"};
        if (of.ended.failure != nullptr) first = *of.ended.failure;
    }
    template <class Condition>
    static void wait_for(Condition condition, event_client& loop) {
        const nanos until = monotonic_now() + from_ms(15'000);
        while (!condition() && monotonic_now() < until) turn(loop);
    }
    static void turn(event_client& loop) {
        if (loop.needs_flush()) loop.flush(monotonic_now());
        if (!loop.has_completions()) {
            pollfd one{.fd = loop.fd(), .events = POLLIN, .revents = 0};
            poll(&one, loop.fd() >= 0 ? 1 : 0, loop.fd() >= 0 ? 20 : 1);
        }
        loop.drain(monotonic_now());
        loop.deliver();
    }
    void expect_loop_service(event_client& loop) {
        const trouble ended = use_loop(loop);
        ASSERT_FALSE(ended) << ended->text;
        ASSERT_EQ(answers_[3].ended.record.code, code::ok);
        ASSERT_EQ(batch_.ended.batch.rows.size(), digests_.size());
        ASSERT_EQ(loop.in_flight(), 0u);
    }

    void starve_from_its_making() {
        std::unique_ptr<event_client> fresh;
        starve_loop(
            [&] {
                fresh.reset();
                auto made = event_client::create(client_);
                if (!made) return trouble(made.error());
                fresh = std::move(*made);
                return use_loop(*fresh);
            },
            [&] {
                if (fresh != nullptr) expect_loop_service(*fresh);
            });
    }

    std::unique_ptr<event_client> loop_;
    std::vector<key> all_;
    std::vector<digest> digests_;
    row_template shape_;
    transport_policy policy_;
    std::array<answer, gets> answers_;
    answer batch_;
};
INSTANTIATE_TEST_SUITE_P(in_a_row, starved_loop, testing::Values(1u, 40u));

TEST_P(starved_loop, calls_of_one_tick) {
    starve_loop([&] { return use_loop(*loop_); }, [&] { expect_loop_service(*loop_); });
}

TEST_P(starved_loop, calls_without_merging) {
    loop_->set_merge_calls(false);
    starve_loop([&] { return use_loop(*loop_); }, [&] { expect_loop_service(*loop_); });
}

TEST_P(starved_loop, its_making_and_first_calls) { starve_from_its_making(); }

TEST_P(starved_loop, cancelling) {
    starve_loop(
        [&]() -> trouble {
            answer one;
            const auto ticket = loop_->submit(get_of(all_[0], digests_[0]), policy_, one);
            loop_->cancel(ticket);
            if (one.told != 0) return error{.text = "told although it was cancelled"};
            return ticket == 0 ? trouble(error{.what = code::no_memory, .text = "out of memory"}) : trouble();
        },
        [&] { expect_loop_service(*loop_); });
}

// ---------------------------------------------------------------- what a config or a policy asks for

TEST_P(starved_loop, compressed) {
    policy_.compress = true;
    starve_loop([&] { return use_loop(*loop_); }, [&] { expect_loop_service(*loop_); });
}

// Each connection begins with a handshake and shows what a login earned.
class starved_stranger : public starved_loop {
  protected:
    starved_stranger() : starved_loop(locked_config()) {}
};
INSTANTIATE_TEST_SUITE_P(in_a_row, starved_stranger, testing::Values(1u, 40u));

TEST_P(starved_stranger, its_making_and_first_calls) { starve_from_its_making(); }

TEST_P(starved_stranger, users) {
    answer one;
    const auto use = [&] {
        one = {};
        one.ticket = loop_->submit(admin_request{.what = admin_verb::query_users}, 10'000, one);
        wait_for([&] { return one.ticket == 0 || one.told != 0; }, *loop_);
        trouble ended;
        note(ended, one);
        return ended;
    };
    starve_loop(use, [&] {
        expect_none(use());
        ASSERT_EQ(one.ended.admin->users.size(), 2u);
    });
}

// Most calls wait: at the door, and for what is left of the limit of their node.
class starved_crowd : public starved_loop {
  protected:
    starved_crowd() : starved_loop(with_limits()) {}
    static client_config with_limits() {
        client_config how = plain_config();
        how.adaptive_concurrency = true;
        how.max_concurrent_operations = 9;
        return how;
    }
};
INSTANTIATE_TEST_SUITE_P(in_a_row, starved_crowd, testing::Values(1u, 40u));

TEST_P(starved_crowd, calls_without_merging) {
    loop_->set_merge_calls(false);
    starve_loop([&] { return use_loop(*loop_); }, [&] { expect_loop_service(*loop_); });
}

class starved_hedging_loop : public starved_loop {
  protected:
    starved_hedging_loop() : starved_loop(hedging_config()) {}
};
INSTANTIATE_TEST_SUITE_P(in_a_row, starved_hedging_loop, testing::Values(1u, 40u));

TEST_P(starved_hedging_loop, calls_without_merging) {
    loop_->set_merge_calls(false);
    const uint64_t before = metrics::count_of(metrics::event::hedge_sent);
    starve_loop(
        [&] {
            beside().nap();
            return use_loop(*loop_);
        },
        [&] { expect_loop_service(*loop_); });
    EXPECT_GT(metrics::count_of(metrics::event::hedge_sent), before);
}

}  // namespace
}  // namespace aero::test
