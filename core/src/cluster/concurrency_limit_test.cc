// The limit alone, and with a node made by hand: so many workers, so long a request, the others stand in line.
#include "cluster/concurrency_limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <vector>

namespace aero::cluster {
namespace {

constexpr nanos ms = 1'000'000;

// A node under the load of a crowd that wants more than it can do. Time goes from answer to answer.
class busy_node {
  public:
    busy_node(unsigned workers, nanos takes) : free_at_(workers, 0), takes_(takes) {}

    void become(nanos takes) { takes_ = takes; }

    // Lets the crowd ask for so long, as far as the limit lets it.
    void serve(concurrency_limit& by, nanos for_so_long, uint32_t crowd = 1000) {
        const nanos until = now_ + for_so_long;
        done_ = 0;
        longest_ = 0;
        while (now_ < until) {
            while (under_way_.size() < std::min(by.value(), crowd)) ask();
            const auto [at, asked] = under_way_.top();
            now_ = at;
            by.answered(at - asked, 0, static_cast<uint32_t>(under_way_.size()), now_);
            under_way_.pop();
            longest_ = std::max(longest_, at - asked);
            ++done_;
        }
    }
    unsigned done() const { return done_; }
    nanos longest() const { return longest_; }
    nanos now() const { return now_; }

  private:
    void ask() {
        nanos& worker = *std::ranges::min_element(free_at_);
        worker = std::max(worker, now_) + takes_;
        under_way_.emplace(worker, now_);
    }

    std::vector<nanos> free_at_;
    nanos takes_;
    nanos now_ = ms;
    unsigned done_ = 0;
    nanos longest_ = 0;
    using request = std::pair<nanos, nanos>;  // answered, asked
    std::priority_queue<request, std::vector<request>, std::greater<>> under_way_;
};

TEST(concurrency_limit, begins_with_a_probe_and_then_eight) {
    concurrency_limit by(256);
    EXPECT_EQ(by.value(), concurrency_limit::least);
    busy_node node(100, 2 * ms);
    node.serve(by, 150 * ms);
    EXPECT_EQ(by.value(), concurrency_limit::least);
    node.serve(by, 100 * ms);
    EXPECT_EQ(by.value(), concurrency_limit::first);
}

TEST(concurrency_limit, finds_what_a_node_can_do_and_keeps_the_line_inside_it_short) {
    concurrency_limit by(256);
    busy_node node(16, 4 * ms);
    node.serve(by, 10'000 * ms);
    for (int seconds = 0; seconds < 120; ++seconds) {
        node.serve(by, 1000 * ms);
        EXPECT_LE(node.longest(), 12 * ms) << seconds;  // 256 at once would take 64 ms
        EXPECT_LE(by.value(), 48u) << seconds;
    }
    node.serve(by, 100'000 * ms);
    EXPECT_GT(node.done(), 100'000 / 4 * 16 * 9 / 10) << "and it has enough to do";
}

TEST(concurrency_limit, grows_to_what_the_home_allows_while_the_node_is_quick) {
    concurrency_limit by(64);
    busy_node node(100, 2 * ms);
    node.serve(by, 5000 * ms);
    EXPECT_EQ(by.value(), 64u);
}

TEST(concurrency_limit, does_not_grow_while_nobody_wants_more) {
    concurrency_limit by(64);
    busy_node node(100, 2 * ms);
    node.serve(by, 5000 * ms, 5);
    EXPECT_EQ(by.value(), concurrency_limit::first);
}

TEST(concurrency_limit, a_node_that_became_slower_for_good_is_measured_anew) {
    concurrency_limit by(64);
    busy_node node(100, 2 * ms);
    node.serve(by, 5000 * ms);
    node.become(20 * ms);
    node.serve(by, 10'000 * ms);
    EXPECT_EQ(by.value(), concurrency_limit::least);
    node.serve(by, 2 * concurrency_limit::probe_pause);
    EXPECT_EQ(by.value(), 64u);
}

TEST(concurrency_limit, requests_that_are_not_answered_lower_it_to_its_least) {
    concurrency_limit by(64);
    busy_node node(100, 2 * ms);
    node.serve(by, 5000 * ms);
    nanos now = node.now();
    for (int i = 0; i < 1000; ++i) by.late(now += 5 * ms);
    EXPECT_EQ(by.value(), concurrency_limit::least);
    EXPECT_EQ(concurrency_limit(1).value(), 1u);
}

TEST(concurrency_limit, holds_a_request_against_others_of_its_size) {
    concurrency_limit by(64);
    nanos now = ms;
    const auto serve = [&](size_t rows, nanos takes, unsigned windows) {
        for (nanos i = 0; i < 20 * windows; ++i) by.answered(takes, rows, 64, now += 5 * ms);
    };
    serve(0, ms, 4);
    serve(1000, 20 * ms, 30);
    EXPECT_EQ(by.value(), 64u) << "a batch is not slow for being one";
    serve(0, ms, 3);
    EXPECT_EQ(by.value(), 64u);
    serve(1000, 60 * ms, 3);
    EXPECT_LT(by.value(), 64u);
}

TEST(concurrency_limit, calls_no_difference_slow_that_is_of_the_machine) {
    concurrency_limit by(64);
    busy_node node(100, ms / 10);
    node.serve(by, 1000 * ms);
    node.become(ms / 2);
    node.serve(by, 5000 * ms);
    EXPECT_EQ(by.value(), 64u);
}

}  // namespace
}  // namespace aero::cluster
