#include "ring/process_ring.h"

#include <gtest/gtest.h>

#include "net/socket.h"
#include "node.h"
#include "testing/ask.h"

namespace aero_server {
namespace {

using testing::ask;
using testing::key_in;
namespace wire = aero::wire;

constexpr uint32_t records = 300;
constexpr unsigned patience_ms = 30'000;

wire::digest key_of(uint32_t i) { return key_in(i * 37 % wire::partitions, i); }

class ProcessRingTest : public ::testing::Test {
  protected:
    struct place {
        std::unique_ptr<options> how;
        std::unique_ptr<engine> data;
        std::unique_ptr<process_ring> ring;
    };

    // Ports are held until every member knows them all, then given to whom they belong.
    explicit ProcessRingTest(unsigned members = 3) : places_(members) {
        std::vector<bound_socket> held;
        for (unsigned i = 0; i < members; ++i) held.push_back(bind_socket("127.0.0.1", 0));
        for (const bound_socket& each : held) addresses_.push_back({"127.0.0.1", 1, each.port});
        for (const bound_socket& each : held) close_socket(each.fd);
    }
    ~ProcessRingTest() override {
        for (place& each : places_)
            if (each.ring != nullptr) each.ring->shutdown();
    }
    void begin(unsigned i) {
        place& p = places_[i];
        p.how = std::make_unique<options>();
        p.how->members = addresses_;
        p.how->member = i;
        p.how->beat_ms = 50;
        p.how->dead_ms = 2000;  // founded after six beats, as nobody else answers
        p.data = std::make_unique<engine>(static_cast<uint8_t>(i), *p.how, clock_);
        std::vector<std::string> ids;
        for (unsigned k = 0; k < places_.size(); ++k) ids.push_back(node_id_of(k));
        p.ring = std::make_unique<process_ring>(*p.how, std::move(ids), *p.data);
        ASSERT_EQ(p.ring->start(), "");
    }
    void begin_all() {
        for (unsigned i = 0; i < places_.size(); ++i) begin(i);
        for (const place& p : places_) ASSERT_TRUE(p.ring->wait_until_member(patience_ms));
        wait_until_settled(static_cast<unsigned>(places_.size()));
    }
    void end(unsigned i) {
        places_[i].ring->shutdown();
        places_[i] = {};
    }
    void wait_until_settled(unsigned members) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
        const auto settled = [&] {
            for (const place& p : places_)
                if (p.ring != nullptr && (p.ring->alive_count() != members || !p.ring->stable())) return false;
            return true;
        };
        while (!settled()) {
            ASSERT_LT(std::chrono::steady_clock::now(), until) << "the cluster does not settle";
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    void fill() {
        for (uint32_t i = 0; i < records; ++i)
            ASSERT_EQ(testing::run(*places_[i % 2].data, ask(key_of(i)).write().put("i", i)).code, 0u) << i;
    }
    void expect_all_readable_by(unsigned node) {
        for (uint32_t i = 0; i < records; ++i) {
            const auto got = testing::run(*places_[node].data, ask(key_of(i)).read_all());
            ASSERT_EQ(got.code, 0u) << i;
            ASSERT_EQ(got.integers().at("i"), i);
        }
    }
    // Each record is held by `copies` members, and by those that own its partition.
    void expect_copies(unsigned copies) {
        for (uint32_t i = 0; i < records; ++i) {
            unsigned found = 0;
            for (const place& p : places_) {
                if (p.data == nullptr) continue;
                partition& part = p.data->stores()[0]->at(wire::partition_of(key_of(i)));
                const std::lock_guard hold(part.lock);
                const bool here = part.records.find(key_of(i)) != nullptr;
                EXPECT_EQ(here, part.owners.mine != duty::none) << i;
                found += here;
            }
            ASSERT_EQ(found, copies) << i;
        }
    }

    server_clock clock_;
    std::vector<member_option> addresses_;
    std::vector<place> places_;
};

TEST_F(ProcessRingTest, MembersFindEachOtherAndEveryWriteHasTwoCopies) {
    begin_all();
    EXPECT_EQ(places_[0].ring->key(), places_[2].ring->key());
    EXPECT_EQ(places_[1].ring->view(1).peers_generation, 4u);
    EXPECT_EQ(places_[1].ring->view(1).partition_generation, 0);
    fill();
    for (unsigned node = 0; node < 3; ++node) expect_all_readable_by(node);
    expect_copies(2);
    for (uint32_t i = 0; i < records; ++i)
        ASSERT_EQ(testing::run(*places_[2].data, ask(key_of(i)).write(wire::info2::delete_record)).code, 0u);
    for (const place& p : places_) EXPECT_EQ(p.data->stores()[0]->count().master, 0u);
}

TEST_F(ProcessRingTest, TheOthersGoOnWithoutTheLeaderAndFillItWhenItComesBack) {
    begin_all();
    fill();
    end(0);
    expect_all_readable_by(1);
    wait_until_settled(2);
    expect_copies(2);
    EXPECT_EQ(places_[1].ring->view(1).peers_generation, 5u);
    EXPECT_GT(places_[1].ring->view(1).partition_generation, 0);
    begin(0);
    ASSERT_TRUE(places_[0].ring->wait_until_member(patience_ms));
    wait_until_settled(3);
    expect_copies(2);
    for (unsigned node = 0; node < 3; ++node) expect_all_readable_by(node);
    EXPECT_EQ(places_[1].ring->view(1).peers_generation, 7u);
}

TEST_F(ProcessRingTest, NoAcknowledgedWriteIsLostWhileMembersLeaveAndCome) {
    begin_all();
    std::atomic<bool> over{false};
    std::vector<uint64_t> acknowledged(records, 0);
    fill();
    std::thread writer([&] {
        for (uint64_t value = records; !over; ++value)
            for (uint32_t i = 0; i < records; i += 10)
                if (testing::run(*places_[1].data, ask(key_of(i)).write().put("i", value)).code == 0)
                    acknowledged[i] = value;
    });
    for (const unsigned node : {2u, 0u}) {
        end(node);
        wait_until_settled(2);
        begin(node);
        EXPECT_TRUE(places_[node].ring->wait_until_member(patience_ms));
        wait_until_settled(3);
    }
    over = true;
    writer.join();
    for (uint32_t i = 0; i < records; i += 10)
        for (const place& p : places_)
            EXPECT_GE(testing::run(*p.data, ask(key_of(i)).read_all()).integers().at("i"), acknowledged[i]) << i;
    expect_copies(2);
}

TEST_F(ProcessRingTest, AWriteThatComesLateOrFromAnotherThanTheMasterIsRefused) {
    begin_all();
    const wire::digest key = key_of(7);
    const unsigned id = wire::partition_of(key);
    unsigned master = 0, replica = 0;
    for (unsigned i = 0; i < 3; ++i) {
        partition& part = places_[i].data->stores()[0]->at(id);
        const std::lock_guard hold(part.lock);
        const duty mine = part.owners.mine;
        if (mine == duty::master) master = i;
        if (mine == duty::replica) replica = i;
    }
    ASSERT_EQ(testing::run(*places_[master].data, ask(key).write().put("i", 1)).code, 0u);
    engine& at = *places_[replica].data;
    store& in = *at.stores()[0];
    uint64_t now = 0;
    {
        const std::lock_guard hold(in.at(id).lock);
        now = in.at(id).sequence;
    }
    const auto by = static_cast<uint8_t>(master);
    EXPECT_FALSE(at.take_drop(by, now, in, key)) << "not younger than the last";
    EXPECT_FALSE(at.take_drop(static_cast<uint8_t>(3 - master - replica), now + 1, in, key)) << "not the master";
    EXPECT_EQ(testing::run(at, ask(key).read_all()).integers().at("i"), 1u);
    EXPECT_TRUE(at.take_drop(by, now + 1, in, key));
    EXPECT_EQ(testing::run(at, ask(key).read_all()).code, 2u);
}

TEST_F(ProcessRingTest, ALoneMemberServesAndTakesOthersIn) {
    begin(1);
    ASSERT_TRUE(places_[1].ring->wait_until_member(patience_ms));
    for (uint32_t i = 0; i < records; ++i)
        ASSERT_EQ(testing::run(*places_[1].data, ask(key_of(i)).write().put("i", i)).code, 0u);
    begin(0);
    ASSERT_TRUE(places_[0].ring->wait_until_member(patience_ms));
    wait_until_settled(2);
    expect_copies(2);
    expect_all_readable_by(0);
}

TEST_F(ProcessRingTest, TruncationReachesAllMembers) {
    begin_all();
    fill();
    places_[0].ring->truncate("test", "users", clock_.now_ms() + 1);
    for (uint32_t i = 0; i < records; ++i)
        EXPECT_EQ(testing::run(*places_[i % 3].data, ask(key_of(i)).read_all()).code, 2u);
}

}  // namespace
}  // namespace aero_server
