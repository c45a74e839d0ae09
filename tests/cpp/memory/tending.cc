// The thread that tends, which has nobody to tell.
#include <chrono>
#include <thread>

#include "base/time.h"
#include "memory/starving.h"

namespace aero::test {
namespace {

class starved_tending : public starved_client {};
INSTANTIATE_TEST_SUITE_P(in_a_row, starved_tending, testing::Values(1u, 30u));

// It begins again, and knows in the end who is in the cluster.
TEST_P(starved_tending, comes_to_know_the_cluster_again) {
    const std::chrono::seconds patience(20 * slowness);
    for (const uint64_t nth : {1, 7, 30, 110, 250}) {
        SCOPED_TRACE("allocation " + std::to_string(nth));
        const unsigned index = static_cast<unsigned>(nth % neighbour::node_count);
        memory_failure starving(victims::other_threads, nth, GetParam());
        beside().stop_node(index);
        ASSERT_TRUE(comes_true_within(patience, [&] { return client_.node_names().size() == 2; }));
        beside().start_node(index);
        ASSERT_TRUE(comes_true_within(patience, [&] { return client_.node_names().size() == 3; }));
        starving.stop();
        for (int64_t i = 0; i < 60; ++i) {
            const auto got = client_.get(key_of(i, "starved"), patient<read_policy>());
            ASSERT_TRUE(got) << got.error().text;
        }
    }
}

TEST_P(starved_tending, is_closed_in_time) {
    for (uint64_t nth = 1; nth < 40; ++nth) {
        client closing = opened(plain_config());
        memory_failure starving(victims::other_threads, nth, GetParam());
        std::this_thread::sleep_for(std::chrono::milliseconds(25));
        const nanos began = monotonic_now();
        closing.close();
        ASSERT_LT(monotonic_now() - began, from_ms(2000) * slowness);
    }
}

}  // namespace
}  // namespace aero::test
