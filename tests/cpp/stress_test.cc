// Many threads on one client, with every node alive and with nodes that come and go. Made for the sanitizers.
#include <atomic>
#include <mutex>
#include <vector>

#include "cluster_fixture.h"

namespace aero::test {
namespace {

constexpr int64_t record_count = 300;

// The first thing that went wrong in any thread.
class verdict {
  public:
    void failed(std::string what) {
        const std::lock_guard guard(lock_);
        if (what_.empty()) what_ = std::move(what);
    }
    std::string what() {
        const std::lock_guard guard(lock_);
        return what_;
    }

  private:
    std::mutex lock_;
    std::string what_;
};

std::vector<key> all_keys() {
    std::vector<key> keys;
    for (int64_t i = 0; i < record_count; ++i) keys.push_back(key_of(i));
    return keys;
}

// Reads, writes and batches in turn; `turns` of them, or until `stop`.
void work(client& shared, int64_t number, int turns, const std::atomic<bool>& stop, verdict& said) {
    const std::vector<key> keys = all_keys();
    for (int turn = 0; turn < turns && !stop; ++turn) {
        const int64_t n = (number * 31 + turn) % record_count;
        const auto got = shared.get(key_of(n), patient<read_policy>());
        if (!got) return said.failed("get: " + got.error().text);
        if (got->bins != bins_of(n)) return said.failed("get gave the record of another key");
        const auto put = shared.put(key_of(1000 + number), bins_of(turn), patient_write());
        if (!put && !put.error().in_doubt) return said.failed("put: " + put.error().text);
        if (turn % 5 != 0) continue;
        const auto rows = shared.batch_read(keys, patient<batch_policy>());
        if (!rows) return said.failed("batch_read: " + rows.error().text);
        for (int64_t i = 0; i < record_count; ++i) {
            const batch_record& row = (*rows)[static_cast<size_t>(i)];
            if (row.what != code::ok || row.found.bins != bins_of(i)) {
                return said.failed("row " + std::to_string(i) + ": " + std::to_string(static_cast<int>(row.what)));
            }
        }
    }
}

class stress : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(nodes, stress, testing::Values(1u, 3u));

TEST_P(stress, threads_share_a_client) {
    const cluster nodes(GetParam());
    client shared = nodes.open();
    ASSERT_TRUE(fill(shared, record_count));
    std::atomic<bool> stop = false;
    verdict said;
    {
        std::vector<std::jthread> threads;
        for (int64_t number = 0; number < 16; ++number) {
            threads.emplace_back([&, number] { work(shared, number, 100 / slowness, stop, said); });
        }
    }
    EXPECT_EQ(said.what(), "");
    shared.close();
}

TEST(stress, nodes_stop_and_start_under_load) {
    cluster nodes(3);
    client shared = nodes.open();
    ASSERT_TRUE(fill(shared, record_count));
    std::atomic<bool> stop = false;
    verdict said;
    {
        std::vector<std::jthread> threads;
        for (int64_t number = 0; number < 6; ++number) {
            threads.emplace_back([&, number] { work(shared, number, 1'000'000, stop, said); });
        }
        for (unsigned round = 0; round < 4 && said.what().empty(); ++round) {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            EXPECT_EQ(nodes.server().stop_node(round % 3), "");
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
            EXPECT_EQ(nodes.server().start_node(round % 3), "");
            if (nodes.server().wait_until_stable(120'000)) continue;
            ADD_FAILURE() << "the cluster is not stable again: without another copy the next node takes records along";
            break;
        }
        stop = true;
    }
    EXPECT_EQ(said.what(), "");
    EXPECT_TRUE(comes_true_within(std::chrono::seconds(10), [&] { return shared.node_names().size() == 3; }));
    shared.close();
}

TEST(stress, close_while_threads_call) {
    for (int round = 0; round < 5; ++round) {
        const cluster nodes(2);
        client shared = nodes.open();
        ASSERT_TRUE(fill(shared, 20));
        std::atomic<int> ended = 0;
        std::vector<std::jthread> threads;
        for (int number = 0; number < 4; ++number) {
            threads.emplace_back([&, number, held = shared]() mutable {
                while (true) {
                    const auto got = held.get(key_of(number), patient<read_policy>());
                    if (got) continue;
                    EXPECT_EQ(got.error().what, code::client) << got.error().text;
                    break;
                }
                ++ended;
            });
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        shared.close();
        EXPECT_TRUE(comes_true_within(std::chrono::seconds(5), [&] { return ended == 4; }));
    }
}

TEST(stress, clients_open_and_close_in_many_threads) {
    const cluster nodes(2);
    verdict said;
    {
        std::vector<std::jthread> threads;
        for (int64_t number = 0; number < 4; ++number) {
            threads.emplace_back([&, number] {
                for (int turn = 0; turn < 10; ++turn) {
                    result<client> own = client::open(nodes.config());
                    if (!own) return said.failed("open: " + own.error().text);
                    const auto put = own->put(key_of(number), bins_of(turn), patient_write());
                    if (!put) return said.failed("put: " + put.error().text);
                    if (turn % 2 == 0) own->close();
                }
            });
        }
    }
    EXPECT_EQ(said.what(), "");
}

}  // namespace
}  // namespace aero::test
