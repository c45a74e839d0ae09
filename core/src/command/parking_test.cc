// Calls that find no node to send to: they wait for a new view, and go on by it at once.
#include <gtest/gtest.h>

#include "command/batch_call.h"
#include "command/machine_fixture.h"
#include "command/record_call.h"

namespace aero::command {
namespace {

using namespace testing;

constexpr transport_policy no_retries{.total_timeout_ms = 1000, .socket_timeout_ms = 0, .max_retries = 0};

record_request put_request() {
    record_request made{.name_space = "test", .set = "demo", .digest = key_digest(1)};
    made.info2 = wire::info2::write;
    made.is_write = true;
    return made;
}

unsigned partition() { return wire::partition_of(key_digest(1)); }

// The same nodes and owners but for the partition of key 1, which `master` has.
cluster::view_ptr next_view(const cluster::view_ptr& before, uint8_t master) {
    auto made = std::make_shared<cluster::view>();
    made->version = before->version + 1;
    made->nodes = before->nodes;
    auto map = std::make_unique<cluster::namespace_map>(*before->namespaces.front());
    map->owners[0][partition()] = master;
    made->namespaces.push_back(std::move(map));
    return made;
}

void refuse(call& of, std::unique_ptr<attempt> which, const cluster::view_ptr& view, nanos now) {
    which->fail(code::connection, "connection refused");
    of.finished(std::move(which), view, now);
}

TEST(parking, a_write_without_a_master_waits_for_a_view_that_names_one_and_for_nothing_else) {
    const auto full = view_of(3, 2);
    const auto headless = next_view(full, cluster::no_node);
    record_call call;
    call.prepare(put_request(), no_retries);
    call.start(headless, ms);
    EXPECT_EQ(call.next_launch(), nullptr) << "its replica does not take writes";
    EXPECT_TRUE(call.parked());
    EXPECT_TRUE(call.waits_for_view());
    EXPECT_TRUE(call.wants_tend());
    EXPECT_EQ(call.wakeup_at(), call.deadline()) << "asking the same view again is of no use";
    call.wake(headless, 300 * ms);
    EXPECT_EQ(call.next_launch(), nullptr);
    const auto next = next_view(headless, 2);
    call.wake(next, 400 * ms);
    auto attempt = call.next_launch();
    ASSERT_NE(attempt, nullptr);
    EXPECT_EQ(attempt->target(), next->nodes[2].get());
    EXPECT_FALSE(call.parked());
    answer(*attempt, record_answer(0, 1).view(), 401 * ms);
    call.finished(std::move(attempt), next, 401 * ms);
    ASSERT_TRUE(call.done());
    EXPECT_EQ(call.failure(), nullptr);
    EXPECT_EQ(call.times().retry_wait, 399 * ms);
}

TEST(parking, a_write_never_sent_ends_at_its_deadline_without_doubt) {
    const auto headless = next_view(view_of(3, 2), cluster::no_node);
    record_call call;
    call.prepare(put_request(), no_retries);
    call.start(headless, 0);
    call.wake(headless, call.deadline());
    ASSERT_TRUE(call.done());
    EXPECT_EQ(call.failure()->what, code::deadline);
    EXPECT_FALSE(call.failure()->in_doubt);
    EXPECT_FALSE(call.parked());
    EXPECT_NE(call.failure()->text.find("no node owns partition"), std::string::npos) << call.failure()->text;
}

TEST(parking, a_write_that_its_master_refuses_knocks_there_again_and_moves_by_a_new_view_at_once) {
    const auto view = view_of(3, 2);
    const uint8_t master = view->namespaces.front()->owners[0][partition()];
    record_call call;
    call.prepare(put_request(), no_retries);
    call.start(view, 0);
    for (nanos now = 0; now < 50 * ms; now = call.wakeup_at(), call.wake(view, now)) {
        auto attempt = call.next_launch();
        ASSERT_NE(attempt, nullptr) << now;
        EXPECT_EQ(attempt->target(), view->nodes[master].get()) << "a replica would only pass it on";
        refuse(call, std::move(attempt), view, now);
        ASSERT_GT(call.wakeup_at(), now) << "without a pause";
    }
    while (auto attempt = call.next_launch()) refuse(call, std::move(attempt), view, 100 * ms);
    const auto next = next_view(view, static_cast<uint8_t>((master + 1) % 3));
    call.wake(next, 101 * ms);
    auto attempt = call.next_launch();
    ASSERT_NE(attempt, nullptr) << "the pause was for the former view";
    EXPECT_EQ(attempt->target(), next->nodes[(master + 1) % 3].get());
    call.abandon(code::cancelled, "over", 102 * ms);
}

TEST(parking, an_attempt_that_waits_to_send_to_a_node_that_left_is_taken_back) {
    const auto view = view_of(3, 2);
    const uint8_t master = view->namespaces.front()->owners[0][partition()];
    const auto next = next_view(view, static_cast<uint8_t>((master + 1) % 3));
    record_call call;
    call.prepare(put_request(), no_retries);
    call.start(view, 0);
    const auto waiting = call.next_launch();  // its driver is connecting
    ASSERT_NE(waiting, nullptr);
    EXPECT_TRUE(call.waits_for_view());
    call.wake(next, ms);
    EXPECT_EQ(call.next_launch(), nullptr) << "the node may still answer";
    view->nodes[master]->deactivate();
    call.wake(next, 2 * ms);
    EXPECT_EQ(waiting->owner(), nullptr);
    EXPECT_EQ(call.next_released(), waiting.get());
    EXPECT_EQ(call.next_released(), nullptr);
    const auto attempt = call.next_launch();
    ASSERT_NE(attempt, nullptr);
    EXPECT_EQ(attempt->target(), next->nodes[(master + 1) % 3].get());
    send_only(*attempt, 3 * ms);
    EXPECT_FALSE(call.waits_for_view());
    next->nodes[(master + 1) % 3]->deactivate();
    call.wake(next_view(next, 2), 4 * ms);
    EXPECT_EQ(attempt->owner(), &call) << "its answer may be on the way";
    call.abandon(code::cancelled, "over", 5 * ms);
}

TEST(parking, rows_without_a_master_wait_while_the_others_are_written) {
    const auto headless = next_view(view_of(3, 2), cluster::no_node);
    std::vector<digest> digests;
    for (unsigned i = 0; i < 30; ++i) digests.push_back(key_digest(i));
    const std::vector<row_template> shapes{
        {.name_space = "test", .set = "demo", .info2 = wire::info2::write, .has_generation = true}};
    batch_call call;
    call.prepare({.digests = digests, .template_of = {}, .templates = shapes, .is_write = true}, no_retries);
    call.start(headless, 0);
    size_t answered = 0;
    const auto answer_all = [&](const cluster::view_ptr& view, nanos now) {
        while (auto attempt = call.next_launch()) {
            buffer reply;
            for (const uint32_t row : attempt->rows) {
                const answer_row one{.index = row};
                append_rows(reply, std::span(&one, 1));
                ++answered;
            }
            append_last(reply);
            answer(*attempt, reply.view(), now);
            call.finished(std::move(attempt), view, now);
        }
    };
    answer_all(headless, ms);
    EXPECT_LT(answered, digests.size());
    EXPECT_FALSE(call.done());
    EXPECT_TRUE(call.parked());
    answer_all(next_view(headless, 1), 2 * ms);
    EXPECT_FALSE(call.done());
    const auto next = next_view(headless, 1);
    call.wake(next, 3 * ms);
    answer_all(next, 3 * ms);
    ASSERT_TRUE(call.done());
    EXPECT_EQ(answered, digests.size());
    EXPECT_EQ(call.failure(), nullptr);
}

// A read of a record that has one owner by its view, sent to it and not answered.
struct lonely_read {
    explicit lonely_read(const transport_policy& policy = {}) {
        call.prepare({.name_space = "test", .set = "demo", .digest = key_digest(1), .info1 = wire::info1::read},
                     policy);
        call.start(alone, 0);
        first = call.next_launch();
        send_only(*first, 0);
    }
    ~lonely_read() {
        if (!call.done()) call.abandon(code::cancelled, "over", 999 * ms);
    }
    static cluster::view_ptr without_replica() {
        const auto made = view_of(3, 2);
        auto map = std::make_unique<cluster::namespace_map>(*made->namespaces.front());
        map->owners[1][partition()] = cluster::no_node;
        std::const_pointer_cast<cluster::view>(made)->namespaces.front() = std::move(map);
        return made;
    }
    cluster::view_ptr with_replica() const {
        auto made = std::make_shared<cluster::view>();
        made->version = alone->version + 1;
        made->nodes = alone->nodes;
        auto map = std::make_unique<cluster::namespace_map>(*alone->namespaces.front());
        map->owners[1][partition()] = static_cast<uint8_t>((map->owners[0][partition()] + 1) % 3);
        made->namespaces.push_back(std::move(map));
        return made;
    }

    cluster::view_ptr alone = without_replica();
    record_call call;
    std::unique_ptr<attempt> first;
};

TEST(parking, a_read_whose_only_owner_is_silent_moves_when_the_cluster_names_another) {
    lonely_read read;
    EXPECT_FALSE(read.call.waits_for_view());
    const nanos turn = read.call.wakeup_at();
    EXPECT_EQ(turn, read.call.deadline() / 3);
    read.call.wake(read.alone, turn);
    EXPECT_EQ(read.call.next_launch(), nullptr) << "there is nobody else to ask";
    EXPECT_TRUE(read.call.wants_tend()) << "but there may be";
    EXPECT_TRUE(read.call.waits_for_view());
    EXPECT_EQ(read.call.wakeup_at(), read.call.deadline());
    const auto next = read.with_replica();
    read.call.wake(next, turn + 50 * ms);
    auto second = read.call.next_launch();
    ASSERT_NE(second, nullptr);
    EXPECT_NE(second->target(), read.first->target());
    EXPECT_EQ(read.first->owner(), nullptr);
    answer(*second, record_answer(0, 1).view(), turn + 51 * ms);
    read.call.finished(std::move(second), next, turn + 51 * ms);
    ASSERT_TRUE(read.call.done());
    EXPECT_EQ(read.call.failure(), nullptr);
}

TEST(parking, a_thread_that_waits_for_its_only_owner_keeps_its_place_in_the_line) {
    lonely_read read;
    EXPECT_LT(read.call.wakeup_at(), read.call.deadline());
    EXPECT_EQ(read.call.connect_until(*read.first), read.call.deadline());
}

TEST(parking, a_read_whose_owner_gets_company_early_still_gives_it_its_share_of_the_time) {
    lonely_read read;
    const nanos turn = read.call.wakeup_at();
    const auto next = read.with_replica();
    read.call.wake(next, turn / 2);
    EXPECT_EQ(read.call.next_launch(), nullptr);
    read.call.wake(next, turn);
    const auto second = read.call.next_launch();
    ASSERT_NE(second, nullptr);
    EXPECT_NE(second->target(), read.first->target());
    read.call.abandon(code::cancelled, "over", turn);
}

TEST(parking, a_read_that_may_not_be_tried_again_leaves_its_only_owner_all_its_time) {
    for (const transport_policy& policy :
         {transport_policy{.max_retries = 0}, transport_policy{.replica = replica_policy::master}}) {
        lonely_read read(policy);
        EXPECT_EQ(read.call.wakeup_at(), read.call.deadline());
    }
}

TEST(parking, a_batch_whose_only_node_is_silent_moves_when_there_are_others) {
    auto one = view_of(1, 2);
    batch_call call;
    const digest keys[] = {key_digest(1), key_digest(2)};
    const row_template shape{.name_space = "test", .set = "demo", .info1 = wire::info1::read};
    call.prepare({.digests = keys, .templates = {&shape, 1}}, {});
    call.start(one, 0);
    auto first = call.next_launch();
    send_only(*first, 0);
    const nanos turn = call.wakeup_at();
    EXPECT_EQ(turn, call.deadline() / 3);
    call.wake(one, turn);
    EXPECT_EQ(call.next_launch(), nullptr);
    const auto grown = view_of(2, 2);
    std::const_pointer_cast<cluster::view>(grown)->version = 2;
    std::const_pointer_cast<cluster::view>(grown)->nodes[0] = one->nodes[0];
    call.wake(grown, turn + ms);
    const auto second = call.next_launch();
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->target(), grown->nodes[1].get());
    EXPECT_EQ(second->rows.size(), 2u);
    call.abandon(code::cancelled, "over", turn + ms);
}

}  // namespace
}  // namespace aero::command
