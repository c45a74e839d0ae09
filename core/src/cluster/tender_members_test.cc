// What becomes of the nodes a tender knows, and whom it believes.
#include <gtest/gtest.h>

#include "cluster/tender_fixture.h"

namespace aero::cluster {
namespace {

TEST(tender_members, drops_a_node_that_died_once_the_others_no_longer_name_it) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    const auto before = net.machine.current();
    const auto third = before->nodes[2];
    ASSERT_EQ(third->name(), "N3");
    net.at(at(3)).acts = manner::refuses;
    net.cut(at(3));
    net.advance(1'500);
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"})) << "still named";
    EXPECT_TRUE(third->active());
    for (uint16_t port : {uint16_t{1}, uint16_t{2}}) {
        set_peers(net.at(at(port)).script, {{port == 1 ? "N2" : "N1", port == 1 ? 2 : 1}});
        net.at(at(port)).script["replicas"] = tests::scripted_cluster({1, 2})[port - 1u]["replicas"];
        bump(net.at(at(port)).script, "partition-generation");
    }
    net.advance(1'100);
    EXPECT_EQ(net.names(), (names{"N1", "N2"}));
    EXPECT_FALSE(third->active());
    for (unsigned p = 0; p < wire::partitions; ++p) ASSERT_EQ(net.masters_of(p), p % 2 == 0 ? "N1 N2" : "N2 N1") << p;

    serve_three(net);
    for (uint16_t port : {uint16_t{1}, uint16_t{2}}) {
        net.at(at(port)).script["partition-generation"] = "5";
        net.at(at(port)).script["peers-generation"] = "5";
    }
    net.at(at(3)).acts = manner::answers;
    net.advance(2'100);
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    EXPECT_EQ(net.masters_of(2), "N3 N1");
}

TEST(tender_members, keeps_a_node_that_fails_while_the_others_name_it) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    net.at(at(3)).acts = manner::black_hole;
    net.cut(at(3));
    net.advance(30'000);
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    EXPECT_EQ(net.masters_of(2), "N3 N1");
    net.at(at(3)).acts = manner::answers;
    net.advance(2'100);
    EXPECT_EQ(net.open_links(), 3u);
}

TEST(tender_members, goes_back_to_its_seeds_when_every_node_is_lost) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    for (uint16_t port = 1; port <= 3; ++port) {
        net.at(at(port)).acts = manner::refuses;
        net.cut(at(port));
    }
    net.advance(3'000);
    EXPECT_EQ(net.names().size(), 3u);
    net.advance(3'000);
    EXPECT_TRUE(net.names().empty());
    EXPECT_EQ(net.machine.current()->find("test"), nullptr);
    net.at(at(1)).acts = manner::answers;
    net.at(at(2)).acts = manner::answers;
    net.advance(1'100);
    EXPECT_EQ(net.names(), (names{"N1", "N2"}));
}

TEST(tender_members, follows_a_partition_to_the_node_that_claimed_it_last) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    set_claims(net.at(at(2)).script, {all_partitions()});
    net.advance(1'100);
    EXPECT_EQ(net.masters_of(0).substr(0, 2), "N2");
    net.advance(5'000);
    EXPECT_EQ(net.masters_of(0).substr(0, 2), "N2") << "a repetition of the old claim overrules nobody";
}

TEST(tender_members, believes_the_higher_regime_whatever_came_later) {
    scripted_network net(seeds({1}));
    serve_three(net);
    set_claims(net.at(at(1)).script, {all_partitions(5)});
    net.start();
    EXPECT_EQ(net.masters_of(1).substr(0, 2), "N1");
    set_claims(net.at(at(2)).script, {all_partitions(4)});
    net.advance(1'100);
    EXPECT_EQ(net.masters_of(1).substr(0, 2), "N1");
    set_claims(net.at(at(3)).script, {all_partitions(6)});
    net.advance(1'100);
    EXPECT_EQ(net.masters_of(1).substr(0, 2), "N3");
    EXPECT_TRUE(net.machine.current()->find("test")->strong_consistency);
}

TEST(tender_members, asks_a_displaced_node_for_its_map_again) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    net.advance(1'500);
    net.at(at(1)).asked.clear();
    net.at(at(3)).asked.clear();
    wire::replica_claim claim{.name_space = "test", .regime = 0, .replicas = std::vector<wire::partition_set>(1)};
    claim.replicas[0].add(0);
    set_claims(net.at(at(2)).script, {claim});
    net.advance(2'100);
    EXPECT_TRUE(net.at(at(1)).asked.contains("replicas"));
    EXPECT_FALSE(net.at(at(3)).asked.contains("replicas"));
    EXPECT_EQ(net.masters_of(0).substr(0, 2), "N2");
}

TEST(tender_members, does_not_believe_the_map_of_a_node_that_was_cut_off) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    set_peers(net.at(at(3)).script, {});
    set_claims(net.at(at(3)).script, {all_partitions()});
    net.advance(3'000);
    EXPECT_EQ(net.masters_of(0), "N1 N2");
    EXPECT_EQ(net.masters_of(1), "N2 N3");
}

TEST(tender_members, the_last_node_of_a_cluster_is_believed_once_the_others_are_gone) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    for (uint16_t port : {uint16_t{2}, uint16_t{3}}) {
        net.at(at(port)).acts = manner::refuses;
        net.cut(at(port));
    }
    set_peers(net.at(at(1)).script, {});
    set_claims(net.at(at(1)).script, {all_partitions()});
    net.advance(2'500);
    EXPECT_EQ(net.names(), names{"N1"});
    for (unsigned p = 0; p < wire::partitions; ++p) ASSERT_EQ(net.masters_of(p), "N1");
}

TEST(tender_members, another_node_at_a_known_address_is_another_node) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    const auto third = net.machine.current()->nodes[2];
    net.at(at(3)).script["node"] = "NEW";
    for (uint16_t port : {uint16_t{1}, uint16_t{2}}) {
        set_peers(net.at(at(port)).script, {{port == 1 ? "N2" : "N1", port == 1 ? 2 : 1}, {"NEW", 3}});
    }
    net.advance(2'100);
    EXPECT_EQ(net.names(), (names{"N1", "N2", "NEW"}));
    EXPECT_FALSE(third->active());
    EXPECT_EQ(net.masters_of(2), "NEW N1");
}

TEST(tender_members, follows_a_node_to_its_new_address) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    const auto third = net.machine.current()->nodes[2];
    net.at(at(7)).script = net.at(at(3)).script;
    net.at(at(3)).acts = manner::refuses;
    net.cut(at(3));
    for (uint16_t port : {uint16_t{1}, uint16_t{2}}) {
        set_peers(net.at(at(port)).script, {{port == 1 ? "N2" : "N1", port == 1 ? 2 : 1}, {"N3", 7}});
    }
    net.advance(2'500);
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    EXPECT_FALSE(third->active());
    EXPECT_EQ(net.machine.current()->nodes[2]->address_text(), at(7));
    EXPECT_EQ(net.open_links(), 3u);
}

TEST(tender_members, finds_a_node_that_moved_from_an_address_that_swallows_packets) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    net.at(at(7)).script = net.at(at(3)).script;
    net.at(at(3)).acts = manner::black_hole;
    net.cut(at(3));
    for (uint16_t port : {uint16_t{1}, uint16_t{2}}) {
        set_peers(net.at(at(port)).script, {{port == 1 ? "N2" : "N1", port == 1 ? 2 : 1}, {"N3", 7}});
    }
    net.advance(3'500);
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    EXPECT_EQ(net.machine.current()->nodes[2]->address_text(), at(7));
    EXPECT_EQ(net.open_links(), 3u);
}

TEST(tender_members, survives_a_rolling_restart) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    for (uint16_t port = 1; port <= 3; ++port) {
        const auto before = net.at(at(port)).script;
        net.at(at(port)).acts = manner::refuses;
        net.cut(at(port));
        net.advance(2'500);
        net.at(at(port)).acts = manner::answers;
        net.at(at(port)).script["partition-generation"] = "-1";
        net.at(at(port)).script["peers-clear-std"] = "0,3000,[]";
        net.advance(1'500);
        net.at(at(port)).script = before;
        net.at(at(port)).script["partition-generation"] = "40";
        net.advance(2'500);
        EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"})) << port;
        EXPECT_TRUE(net.machine.complete());
        EXPECT_EQ(net.open_links(), 3u);
    }
    EXPECT_EQ(net.masters_of(5), "N3 N1");
}

TEST(tender_members, gives_up_old_connections_of_a_node_that_counts_its_peers_anew) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.at(at(2)).script["peers-generation"] = "9";
    net.at(at(2)).script["peers-clear-std"].replace(0, 1, "9");
    net.start();
    const auto second = net.machine.current()->nodes[1];
    net.at(at(2)).script["peers-generation"] = "2";
    net.at(at(2)).script["peers-clear-std"].replace(0, 1, "2");
    net.advance(1'100);
    EXPECT_FALSE(second->active());
    EXPECT_NE(net.machine.current()->nodes[1], second);
    EXPECT_EQ(net.machine.current()->nodes[1]->name(), "N2");
}

TEST(tender_members, knows_racks_only_when_asked_to) {
    client_config config = seeds({1});
    config.rack_ids = {7};
    scripted_network net(config);
    serve_three(net);
    for (uint16_t port = 1; port <= 3; ++port) {
        net.at(at(port)).script["rebalance-generation"] = "1";
        net.at(at(port)).script["rack-ids"] = "other:1;test:" + std::to_string(port + 5);
    }
    net.start();
    EXPECT_EQ(net.machine.current()->find("test")->racks, (std::vector<int>{6, 7, 8}));
    net.at(at(1)).script["rack-ids"] = "test:9";
    net.at(at(1)).script["rebalance-generation"] = "2";
    net.advance(1'100);
    EXPECT_EQ(net.machine.current()->find("test")->racks, (std::vector<int>{9, 7, 8}));

    scripted_network plain(seeds({1}));
    serve_three(plain);
    plain.start();
    EXPECT_TRUE(plain.machine.current()->find("test")->racks.empty());
    EXPECT_FALSE(plain.at(at(1)).asked.contains("rack-ids"));
}

}  // namespace
}  // namespace aero::cluster
