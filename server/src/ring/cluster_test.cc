#include "ring/cluster.h"

#include <gtest/gtest.h>

#include <atomic>

#include "testing/ask.h"

namespace aero_server {
namespace {

using testing::ask;
using testing::key_in;
namespace wire = aero::wire;

constexpr unsigned records = 500;
constexpr unsigned stable_ms = 20'000;

wire::digest key_of(uint32_t i) { return key_in(i * 37 % wire::partitions, i); }

class ClusterTest : public ::testing::Test {
  protected:
    ClusterTest() { build(3); }
    void build(unsigned nodes) {
        ring_.reset();
        nodes_.clear();
        std::vector<std::string> ids;
        std::vector<engine*> engines;
        for (unsigned i = 0; i < nodes; ++i) {
            nodes_.push_back(std::make_unique<engine>(static_cast<uint8_t>(i), how_, clock_));
            ids.push_back("A" + std::to_string(i + 1));
            engines.push_back(nodes_.back().get());
        }
        ring_ = std::make_unique<cluster>(how_, ids, engines);
        ring_->form();
    }
    void fill() {
        for (uint32_t i = 0; i < records; ++i)
            ASSERT_EQ(run(i % ring_->size(), ask(key_of(i)).write().put("i", i)).code, 0u);
    }
    testing::told run(unsigned node, ask& what) { return testing::run(*nodes_[node], what); }
    void expect_all_readable_by(unsigned node) {
        for (uint32_t i = 0; i < records; ++i) {
            const auto got = run(node, ask(key_of(i)).read_all());
            ASSERT_EQ(got.code, 0u) << i;
            ASSERT_EQ(got.integers().at("i"), i);
        }
    }
    // How many copies each record has, and that they are where the shown ownership says.
    void expect_copies(unsigned copies) {
        for (uint32_t i = 0; i < records; ++i) {
            unsigned found = 0;
            for (const auto& node : nodes_) {
                partition& part = node->stores()[0]->at(wire::partition_of(key_of(i)));
                const std::lock_guard hold(part.lock);
                const bool here = part.records.find(key_of(i)) != nullptr;
                EXPECT_EQ(here, copies != 0 && part.owners.mine != duty::none) << i;
                EXPECT_NE(part.owners.mine, duty::filling);
                found += here;
            }
            ASSERT_EQ(found, copies) << i;
        }
    }
    void expect_one_owner_of_each_rank(unsigned ranks) {
        for (unsigned id = 0; id < wire::partitions; ++id)
            for (unsigned rank = 0; rank < ranks; ++rank) {
                unsigned found = 0;
                for (const auto& node : nodes_) found += node->stores()[0]->at(id).shown_rank == rank;
                ASSERT_EQ(found, 1u) << id;
            }
    }

    options how_;
    server_clock clock_;
    std::vector<std::unique_ptr<engine>> nodes_;
    std::unique_ptr<cluster> ring_;
};

TEST_F(ClusterTest, AnyNodeServesAnyRecordAndWritesReachTheReplica) {
    fill();
    for (unsigned node = 0; node < 3; ++node) expect_all_readable_by(node);
    expect_copies(2);
    expect_one_owner_of_each_rank(2);
    for (uint32_t i = 0; i < records; ++i)
        EXPECT_EQ(run((i + 1) % 3, ask(key_of(i)).write(wire::info2::delete_record)).code, 0u);
    expect_copies(0);
}

TEST_F(ClusterTest, GenerationsStartAsThoseOfRealNodes) {
    EXPECT_EQ(ring_->view(0).partition_generation, 0);
    EXPECT_EQ(ring_->view(0).peers_generation, 4u);
    EXPECT_EQ(ring_->view(0).rebalance_generation, 1u);
    build(1);
    EXPECT_EQ(ring_->view(0).peers_generation, 0u);
    EXPECT_EQ(ring_->copies(), 1u);
    EXPECT_TRUE(ring_->stable());
}

TEST_F(ClusterTest, ReplicasTakeOverWhenANodeLeavesAndCopiesAreMadeAgain) {
    fill();
    ring_->leave(2);
    expect_all_readable_by(0);  // at once, whatever is under way
    EXPECT_EQ(ring_->view(0).peers_generation, 5u);
    EXPECT_EQ(ring_->view(0).rebalance_generation, 2u);
    EXPECT_GT(ring_->view(0).partition_generation, 0);
    ASSERT_TRUE(ring_->wait_until_stable(stable_ms));
    expect_copies(2);
    expect_one_owner_of_each_rank(2);
    ring_->leave(1);
    expect_all_readable_by(0);
    ASSERT_TRUE(ring_->wait_until_stable(stable_ms));
    expect_copies(1);
    EXPECT_EQ(ring_->view(0).peers_generation, 6u);
}

TEST_F(ClusterTest, ANodeThatComesBackIsFilledBeforeItOwnsAnything) {
    fill();
    std::vector<uint8_t> ranks;
    for (unsigned id = 0; id < wire::partitions; ++id) ranks.push_back(nodes_[2]->stores()[0]->at(id).shown_rank);
    ring_->leave(2);
    ASSERT_TRUE(ring_->wait_until_stable(stable_ms));
    ring_->join(2);
    expect_all_readable_by(2);
    ASSERT_TRUE(ring_->wait_until_stable(stable_ms));
    expect_copies(2);
    for (unsigned id = 0; id < wire::partitions; ++id)
        ASSERT_EQ(nodes_[2]->stores()[0]->at(id).shown_rank, ranks[id]) << "ownership is that of before";
    EXPECT_EQ(ring_->view(2).peers_generation, 4u);
    EXPECT_EQ(ring_->view(0).peers_generation, 7u);
    const auto changes = ring_->changes_after(0, 4);
    ASSERT_EQ(changes.size(), 2u);
    EXPECT_FALSE(changes[0].came);
    EXPECT_TRUE(changes[1].came);
}

TEST_F(ClusterTest, ALoneNodeThatComesBackStartsEmptyAndServes) {
    build(1);
    fill();
    ring_->leave(0);
    EXPECT_EQ(run(0, ask(key_of(1)).read_all()).code, 11u);
    EXPECT_EQ(ring_->view(0).partition_generation, -1);
    ring_->join(0);
    EXPECT_EQ(run(0, ask(key_of(1)).read_all()).code, 2u);
    EXPECT_EQ(run(0, ask(key_of(1)).write().put("i", 1)).code, 0u);
}

TEST_F(ClusterTest, NoAcknowledgedWriteIsLostWhileNodesComeAndGo) {
    fill();
    std::atomic<bool> over{false};
    std::atomic<unsigned> refused{0};
    constexpr unsigned writers = 2;
    std::vector<uint64_t> last(writers, 0);
    std::vector<std::thread> threads;
    for (unsigned w = 0; w < writers; ++w)
        threads.emplace_back([&, w] {
            uint64_t value = 0;
            while (!over) {
                ++value;
                for (uint32_t i = w; i < records; i += 50) {
                    // Node 0 never leaves; it passes on what is not its own.
                    if (testing::run(*nodes_[0], ask(key_of(i)).write().put("i", value)).code != 0) ++refused;
                }
                last[w] = value;
            }
        });
    for (int round = 0; round < 6; ++round) {
        const unsigned node = 1 + static_cast<unsigned>(round) % 2;
        ring_->leave(node);
        EXPECT_TRUE(ring_->wait_until_stable(stable_ms));
        ring_->join(node);
        EXPECT_TRUE(ring_->wait_until_stable(stable_ms));
    }
    over = true;
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(refused, 0u);
    for (unsigned w = 0; w < writers; ++w)
        for (uint32_t i = w; i < records; i += 50)
            for (unsigned node = 0; node < 3; ++node)
                ASSERT_EQ(run(node, ask(key_of(i)).read_all()).integers().at("i"), last[w]) << i << " by " << node;
    expect_copies(2);
}

TEST_F(ClusterTest, TruncationReachesAllNodes) {
    fill();
    ring_->truncate("test", "users", clock_.now_ms() + 1);
    for (uint32_t i = 0; i < records; ++i) EXPECT_EQ(run(i % 3, ask(key_of(i)).read_all()).code, 2u);
    for (const auto& node : nodes_) EXPECT_EQ(node->stores()[0]->count().master, 0u);
}

TEST_F(ClusterTest, ThirtyTwoNodesOwnEverythingBetweenThem) {
    build(nodes_max);
    expect_one_owner_of_each_rank(2);
    for (uint32_t i = 0; i < 50; ++i) EXPECT_EQ(run(i % nodes_max, ask(key_of(i)).write().put("i", i)).code, 0u);
    for (uint32_t i = 0; i < 50; ++i)
        EXPECT_EQ(run((i + 7) % nodes_max, ask(key_of(i)).read_all()).integers().at("i"), i);
}

}  // namespace
}  // namespace aero_server
