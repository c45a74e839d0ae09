#include "cluster/node.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "aero/client.h"
#include "metrics/counters.h"

namespace aero::cluster {
namespace {

node make_node() { return {"N1", io::numeric_endpoint("127.0.0.1", 3000).value()}; }

// A connection whose other end the test holds.
struct pair_of_ends {
    connection ours;
    io::stream theirs;
    pair_of_ends() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        ours.stream = io::stream::adopt(ends[0]);
        theirs = io::stream::adopt(ends[1]);
    }
};

TEST(node, counts_connections_up_to_the_limit) {
    node at = make_node();
    EXPECT_TRUE(at.take_slot(2));
    EXPECT_TRUE(at.take_slot(2));
    EXPECT_FALSE(at.take_slot(2));
    at.drop_slot();
    EXPECT_TRUE(at.take_slot(2));
    EXPECT_EQ(at.connections(), 2u);
}

TEST(node, threads_may_have_their_first_connection_whatever_loops_hold) {
    node at = make_node();
    ASSERT_TRUE(at.take_slot(2, node::holder::loop));
    ASSERT_TRUE(at.take_slot(2, node::holder::loop));
    EXPECT_TRUE(at.take_slot(2));
    EXPECT_FALSE(at.take_slot(2));
    EXPECT_EQ(at.connections(), 3u);
    std::optional<connection> given;
    std::thread dropping([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        at.drop_slot();
    });
    EXPECT_EQ(at.wait_for_connection(2, from_ms(20000), given), node::grant::slot);
    dropping.join();
}

struct after_some_time final : interrupt_hook {
    bool interrupted() noexcept override { return ++asked == 2; }
    int asked = 0;
};

TEST(node, who_waits_for_a_connection_can_be_interrupted_and_leaves_the_line) {
    node at = make_node();
    ASSERT_TRUE(at.take_slot(1));
    std::optional<connection> given;
    after_some_time signal;
    EXPECT_EQ(at.wait_for_connection(1, from_ms(60000), given, &signal), node::grant::interrupted);
    EXPECT_EQ(signal.asked, 2);
    at.drop_slot();
    EXPECT_EQ(at.connections(), 0u);
    EXPECT_TRUE(at.take_slot(1));
}

TEST(node, connections_of_a_session_that_is_over_carry_no_other_call) {
    client_config config;
    config.user = "ada";
    config.password = secret("x");
    const auto known = std::make_shared<session>();
    known->granted({.token = secret("t"), .ttl_s = 3600}, 0);
    node at("N1", io::numeric_endpoint("127.0.0.1", 3000).value(), security::make(config).value(), known);
    pair_of_ends resting, in_use, later;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(at.take_slot(9));
    resting.ours.opened = in_use.ours.opened = 10;
    at.give_back(std::move(resting.ours), 11);
    at.session_lost(10, 20);
    EXPECT_TRUE(known->login_due(20));
    EXPECT_EQ(at.connections(), 2u) << "what rested is closed";
    at.give_back(std::move(in_use.ours), 21);
    EXPECT_EQ(at.connections(), 1u) << "and what comes back";

    known->granted({.token = secret("u"), .ttl_s = 3600}, 30);
    at.session_lost(10, 31);
    EXPECT_FALSE(known->login_due(31)) << "a straggler of the old session ends no new one";
    later.ours.opened = 40;
    at.give_back(std::move(later.ours), 41);
    EXPECT_EQ(at.connections(), 1u);
}

TEST(node, gives_the_connection_that_came_back_last) {
    node at = make_node();
    EXPECT_EQ(at.take_idle(0, 100, 0), std::nullopt);
    pair_of_ends one, two;
    const int last = two.ours.stream.fd();
    at.take_slot(9);
    at.take_slot(9);
    at.give_back(std::move(one.ours), 10);
    at.give_back(std::move(two.ours), 20);
    EXPECT_EQ(at.take_idle(30, 100, 0)->stream.fd(), last);
    EXPECT_EQ(at.connections(), 2u) << "a taken connection keeps its slot";
}

TEST(node, does_not_give_what_is_too_old_closed_or_has_stray_bytes) {
    node at = make_node();
    pair_of_ends old, closed, stray;
    for (pair_of_ends* each : {&old, &closed, &stray}) {
        at.take_slot(9);
        at.give_back(std::move(each->ours), from_ms(each == &old ? 0 : 50));
    }
    closed.theirs.close();
    stray.theirs.send_some(as_bytes("x"));
    EXPECT_EQ(at.take_idle(from_ms(101), from_ms(100), 0), std::nullopt);
    EXPECT_EQ(at.connections(), 0u);
}

TEST(node, trims_what_rests_too_long) {
    node at = make_node();
    pair_of_ends ends[3];
    for (int i = 0; i < 3; ++i) {
        at.take_slot(9);
        at.give_back(std::move(ends[i].ours), i * 10);
    }
    at.trim_idle(25, 10, 0);
    EXPECT_EQ(at.connections(), 1u);
    EXPECT_TRUE(at.take_idle(25, 10, 0).has_value());
    EXPECT_EQ(at.take_idle(25, 10, 0), std::nullopt);
}

TEST(node, closes_everything_once_it_has_left) {
    node at = make_node();
    pair_of_ends resting, in_use;
    at.take_slot(9);
    at.take_slot(9);
    at.give_back(std::move(resting.ours), 1);
    at.deactivate();
    EXPECT_FALSE(at.active());
    EXPECT_EQ(at.connections(), 1u);
    at.give_back(std::move(in_use.ours), 2);
    EXPECT_EQ(at.connections(), 0u);
    EXPECT_EQ(at.take_idle(2, 100, 0), std::nullopt);
    EXPECT_TRUE(in_use.theirs.stale());
}

TEST(node, those_who_wait_get_what_comes_back_or_what_is_dropped) {
    node at = make_node();
    pair_of_ends ends;
    std::optional<connection> given;
    ASSERT_TRUE(at.take_slot(1));
    EXPECT_EQ(at.wait_for_connection(1, from_ms(5), given), node::grant::timed_out);
    std::thread returning([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        at.give_back(std::move(ends.ours), 1);
    });
    EXPECT_EQ(at.wait_for_connection(1, from_ms(5000), given), node::grant::connection);
    returning.join();
    ASSERT_TRUE(given.has_value());
    std::thread dropping([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        at.drop_slot();
    });
    EXPECT_EQ(at.wait_for_connection(1, from_ms(5000), given), node::grant::slot);
    dropping.join();
    EXPECT_EQ(at.connections(), 1u);
}

TEST(node, no_slot_is_lost_between_those_who_drop_and_those_who_wait) {
    node at = make_node();
    std::atomic<int> waited_too_long{0};
    std::vector<std::thread> users;
    for (int user = 0; user < 4; ++user) {
        users.emplace_back([&] {
            std::optional<connection> given;
            for (int i = 0; i < 3000; ++i) {
                if (!at.take_slot(1, node::holder::threads, node::turn::turn) &&
                    at.wait_for_connection(1, from_ms(5000), given) != node::grant::slot) {
                    ++waited_too_long;
                    return;
                }
                at.end_connect();
                at.drop_slot();
            }
        });
    }
    for (std::thread& each : users) each.join();
    EXPECT_EQ(waited_too_long, 0);
    EXPECT_EQ(at.connections(), 0u);
    EXPECT_EQ(at.connecting(), 0u);
}

TEST(node, so_many_connects_at_once_and_the_next_in_line_when_one_ends) {
    node at("N", io::numeric_endpoint("127.0.0.1", 3000).value(), {}, {}, {.breaks = true, .connecting_max = 2});
    const auto begins = [&](node::holder who, node::turn with = node::turn::turn) {
        return at.take_slot(9, who, with);
    };
    EXPECT_TRUE(begins(node::holder::threads));
    EXPECT_TRUE(begins(node::holder::loop));
    EXPECT_FALSE(begins(node::holder::threads));
    EXPECT_FALSE(begins(node::holder::loop));
    EXPECT_TRUE(begins(node::holder::loop, node::turn::first_turn)) << "or nothing would wake that loop";
    EXPECT_EQ(at.connecting(), 3u);
    EXPECT_EQ(at.connections(), 3u);
    at.end_connect();
    std::optional<connection> given;
    const uint64_t held = metrics::count_of(metrics::event::connect_held);
    EXPECT_EQ(at.wait_for_connection(3, from_ms(5), given), node::grant::timed_out);
    EXPECT_EQ(metrics::count_of(metrics::event::connect_held), held) << "there is no more to be had";
    EXPECT_EQ(at.wait_for_connection(9, from_ms(5), given), node::grant::timed_out);
    EXPECT_EQ(metrics::count_of(metrics::event::connect_held), held + 1);
    std::thread connected([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        at.end_connect();
    });
    EXPECT_EQ(at.wait_for_connection(9, from_ms(20'000), given), node::grant::slot);
    connected.join();
    EXPECT_EQ(at.connecting(), 2u);
    EXPECT_EQ(at.connections(), 4u);
}

TEST(node, one_connect_at_a_time_while_its_breaker_is_open) {
    node at = make_node();
    for (unsigned i = 0; i < breaker::failures_to_open; ++i) at.health.failed(false, 1);
    EXPECT_TRUE(at.take_slot(9, node::holder::threads, node::turn::turn));
    EXPECT_FALSE(at.take_slot(9, node::holder::threads, node::turn::turn));
    at.health.answered();
    EXPECT_TRUE(at.take_slot(9, node::holder::threads, node::turn::turn));
}

TEST(node, serves_threads_while_it_leaves) {
    node at = make_node();
    constexpr uint32_t most = 4;
    std::atomic<uint32_t> seen_most{0};
    std::vector<std::thread> users;
    for (int user = 0; user < 4; ++user) {
        users.emplace_back([&] {
            for (nanos now = 1; now < 500; ++now) {
                auto taken = at.take_idle(now, 1'000'000, 0);
                if (!taken) {
                    if (!at.take_slot(most)) continue;
                    pair_of_ends fresh;
                    taken = std::move(fresh.ours);
                }
                const uint32_t held = at.connections();
                if (held > seen_most) seen_most = held;
                at.give_back(*std::move(taken), now);
            }
        });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    at.deactivate();
    for (std::thread& each : users) each.join();
    EXPECT_LE(seen_most, most);
    EXPECT_EQ(at.connections(), 0u);
}

}  // namespace
}  // namespace aero::cluster
