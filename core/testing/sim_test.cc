// The simulator itself, a few hundred runs of it, and whether it finds what it is there to find.
//
// AERO_SIM_RUNS sets how many runs; `make simulate` runs more, and tells the story of those that fail.
#include <gtest/gtest.h>

#include <cstdlib>

#include "testing/sim_runner.h"

namespace aero::tests {
namespace {

constexpr unsigned at_once = 2;

uint64_t runs() {
    const char* text = std::getenv("AERO_SIM_RUNS");
    return text == nullptr ? 300 : std::strtoull(text, nullptr, 10);
}

TEST(simulation, every_promise_is_kept_whatever_happens) {
    sim_verdict sum;
    run_series({.first = 1, .count = runs(), .at_once = at_once}, [&](const sim_verdict& each) {
        EXPECT_TRUE(each.good()) << each.kind << ": " << each.text << "\nreplay: make simulate SEED=" << each.seed;
        sum.ok += each.ok;
        sum.failed += each.failed;
        sum.doubtful += each.doubtful;
        sum.cancelled += each.cancelled;
        return each.good();
    });
    // A simulation in which nothing goes right, or nothing wrong, proves nothing.
    EXPECT_GT(sum.ok, runs() * 50);
    EXPECT_GT(sum.failed, runs() * 3);
    EXPECT_GT(sum.doubtful, runs() / 4);
    EXPECT_GT(sum.cancelled, runs() / 20);
}

// The last three speak TLS: 1.2, 1.2 for logins only, 1.3.
TEST(simulation, equal_seeds_give_equal_runs) {
    for (const uint64_t seed : {7, 77, 777, 7777, 22, 1022, 2826}) {
        const sim_task task{.seed = seed, .without = {}};
        const sim_verdict one = run_one(task), two = run_one(task);
        EXPECT_EQ(one.trace, two.trace) << seed;
        EXPECT_EQ(one.calls, two.calls) << seed;
    }
}

class planted_bugs_found : public testing::TestWithParam<unsigned> {};

// Each within so many runs; most of them need a few.
TEST_P(planted_bugs_found, within_a_bounded_number_of_seeds) {
    constexpr uint64_t seeds_max = 2000;
    uint64_t needed = 0;
    std::string kind;
    run_series({.first = 1, .count = seeds_max, .at_once = at_once, .bug = static_cast<planted_bug>(GetParam())},
               [&](const sim_verdict& each) {
                   ++needed;
                   kind = each.kind;
                   return each.good();
               });
    EXPECT_FALSE(kind.empty()) << "not found in " << seeds_max << " runs";
    RecordProperty("runs", static_cast<int>(needed));
    RecordProperty("promise", kind);
}
INSTANTIATE_TEST_SUITE_P(each, planted_bugs_found, testing::Range(1u, planted_bugs + 1));

TEST(shrinking, leaves_what_a_failure_needs) {
    sim_verdict found;
    run_series({.first = 1, .count = 500, .at_once = at_once, .bug = planted_bug::doubt_forgotten},
               [&](const sim_verdict& each) {
                   if (found.good()) found = each;
                   return found.good();
               });
    ASSERT_FALSE(found.good());
    const sim_task task{.seed = found.seed, .without = {}, .bug = planted_bug::doubt_forgotten};
    const sim_task small = shrink(task, found.kind);
    EXPECT_EQ(run_one(small).kind, found.kind);
    EXPECT_LE(items_of(task) - small.without.size(), 6u) << "one write, and what keeps it from its answer";
}

}  // namespace
}  // namespace aero::tests
