#include "cluster/tender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "cluster/tender_fixture.h"
#include "testing/json.h"

namespace aero::cluster {
namespace {

using names = std::set<std::string>;

client_config seeds(std::vector<uint16_t> ports) {
    client_config config;
    for (const uint16_t port : ports) config.hosts.push_back({"10.0.0.1", port});
    return config;
}

std::string at(uint16_t port) { return "10.0.0.1:" + std::to_string(port); }

// A cluster of three on ports 1, 2, 3.
void serve_three(scripted_network& net) {
    const auto scripts = tests::scripted_cluster({1, 2, 3});
    for (uint16_t port = 1; port <= 3; ++port) net.at(at(port)).script = scripts[port - 1u];
}

void bump(tests::info_script& script, const std::string& generation) {
    script[generation] = std::to_string(std::stoll(script[generation]) + 1);
}

void set_peers(tests::info_script& script, const std::vector<std::pair<std::string, uint16_t>>& peers) {
    bump(script, "peers-generation");
    std::vector<std::pair<std::string, wire::host>> list;
    for (const auto& [name, port] : peers) list.push_back({name, {"10.0.0.1", port}});
    script["peers-clear-std"] = tests::peers_value(std::stoull(script["peers-generation"]), list);
}

void set_claims(tests::info_script& script, const std::vector<wire::replica_claim>& claims) {
    bump(script, "partition-generation");
    script["replicas"] = wire::encode_replicas(claims);
}

wire::replica_claim all_partitions(uint32_t regime = 0) {
    wire::replica_claim claim{.name_space = "test", .regime = regime, .replicas = std::vector<wire::partition_set>(1)};
    for (unsigned p = 0; p < wire::partitions; ++p) claim.replicas[0].add(p);
    return claim;
}

TEST(tender, finds_all_nodes_and_owners_from_one_seed_without_waiting) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    EXPECT_TRUE(net.machine.complete());
    EXPECT_TRUE(net.machine.settled());
    for (const unsigned p : {0u, 1u, 2u, 3u, 4095u}) {
        const std::string master = "N" + std::to_string(p % 3 + 1);
        EXPECT_EQ(net.masters_of(p).substr(0, 2), master) << p;
    }
    EXPECT_EQ(net.machine.current()->namespace_names(), "test");
    EXPECT_EQ(net.open_links(), 3u);
}

TEST(tender, says_nothing_new_while_nothing_changes) {
    scripted_network net(seeds({1, 2, 3}));
    serve_three(net);
    net.start();
    const view_ptr before = net.machine.current();
    const unsigned requests = net.at(at(1)).requests;
    net.advance(10'000);
    EXPECT_EQ(net.machine.current(), before);
    EXPECT_GE(net.at(at(1)).requests, requests + 9);
    EXPECT_LE(net.at(at(1)).requests, requests + 14);
    EXPECT_EQ(net.at(at(1)).connects, 1u);
    EXPECT_EQ(net.open_links(), 3u);
}

TEST(tender, introduces_itself_once_a_link_to_servers_that_know_how) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.at(at(2)).script["build"] = "7.2.0.1";
    net.start();
    net.advance(3'000);
    const auto introduced = [&](uint16_t port) {
        return std::ranges::count_if(net.at(at(port)).asked, [](const std::string& c) { return c.starts_with("user-agent-set"); });
    };
    EXPECT_EQ(introduced(1), 1);
    EXPECT_EQ(introduced(2), 0);
    EXPECT_LE(user_agent_value(std::string(200, 'x')).size(), 84u);
}

TEST(tender, one_bad_seed_delays_nobody) {
    for (const manner bad : {manner::refuses, manner::black_hole, manner::silent, manner::closes, manner::garbage,
                             manner::truncated, manner::oversized, manner::wrong_kind}) {
        scripted_network net(seeds({9, 1}));
        serve_three(net);
        net.at(at(9)).acts = bad;
        net.start();
        EXPECT_TRUE(net.machine.complete()) << static_cast<int>(bad);
        net.advance(5'000);
        EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
        EXPECT_EQ(net.open_links(), 3u);
    }
}

TEST(tender, one_bad_node_delays_nobody) {
    for (const manner bad : {manner::refuses, manner::black_hole, manner::silent, manner::closes, manner::garbage,
                             manner::truncated, manner::endless, manner::oversized, manner::wrong_kind}) {
        scripted_network net(seeds({1}));
        serve_three(net);
        net.at(at(3)).acts = bad;
        net.start();
        net.advance(3'000);
        EXPECT_EQ(net.masters_of(0).substr(0, 2), "N1") << static_cast<int>(bad);
        EXPECT_TRUE(net.names().contains("N2")) << static_cast<int>(bad);
        EXPECT_EQ(net.names().contains("N3"), bad == manner::endless) << static_cast<int>(bad);
        EXPECT_LE(net.open_links(), 4u);
    }
}

TEST(tender, tells_every_seed_with_its_reason) {
    client_config config = seeds({1, 2, 3, 4, 5});
    config.hosts.push_back({"nowhere.example", 3000});
    scripted_network net(config);
    net.dns["nowhere.example"] = {};
    net.at(at(2)).acts = manner::silent;
    net.at(at(3)).acts = manner::garbage;
    net.at(at(4)).acts = manner::wrong_kind;
    net.at(at(5)).acts = manner::oversized;
    net.start();
    EXPECT_FALSE(net.machine.settled());
    net.advance(1'000);
    EXPECT_FALSE(net.machine.has_members());
    const error why = net.machine.why_no_cluster();
    EXPECT_EQ(why.what, code::cluster);
    EXPECT_EQ(why.text,
              "no node of the cluster could be reached: 10.0.0.1:1 refused; "
              "10.0.0.1:2 did not answer within 1000 ms; "
              "10.0.0.1:3 gives no 'node'; "
              "10.0.0.1:4 answered with something that is no info message; "
              "10.0.0.1:5 announced an info reply of 67108864 bytes; the limit is 16777216; "
              "nowhere.example:3000 has no address");
}

TEST(tender, is_settled_once_every_seed_has_failed) {
    scripted_network net(seeds({1, 2}));
    net.start();
    EXPECT_TRUE(net.machine.settled());
    EXPECT_FALSE(net.machine.has_members());
}

TEST(tender, refuses_a_cluster_of_another_name) {
    client_config config = seeds({1});
    config.cluster_name = "expected";
    scripted_network net(config);
    serve_three(net);
    net.start();
    EXPECT_FALSE(net.machine.has_members());
    const error why = net.machine.why_no_cluster();
    EXPECT_EQ(why.what, code::cluster);
    EXPECT_NE(why.text.find("belongs to cluster 'scripted', not 'expected'"), std::string::npos) << why.text;
}

TEST(tender, refuses_values_that_do_not_fit) {
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"node", ""}, {"node", "ERROR:4:no"}, {"node", "two words"}, {"node", std::string(70, 'A')}, {"build", "8.1"},
        {"build", "eight"}, {"build", "4.9.0.2"}, {"partition-generation", "-1"}, {"partition-generation", "x"},
        {"partition-generation", ""}, {"partition-generation", "99999999999999999999"}, {"peers-generation", "1.5"},
        {"peers-clear-std", "1,3000,[[N2,,[10.0.0.1:2]]"}, {"peers-clear-std", ""}, {"replicas", "test:0,1,AAAA"},
        {"replicas", "ERROR:4:?"}, {"replicas", "test:0,4000000000"}};
    for (const auto& [command, value] : bad) {
        scripted_network net(seeds({1}));
        serve_three(net);
        net.at(at(1)).script[command] = value;
        net.start();
        EXPECT_FALSE(net.machine.has_members()) << command << " = " << value;
        EXPECT_EQ(net.open_links(), 0u);
    }
}

TEST(tender, waits_for_a_seed_that_has_no_partitions_yet) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.at(at(1)).script["partition-generation"] = "-1";
    net.start();
    EXPECT_FALSE(net.machine.settled());
    net.at(at(1)).script["partition-generation"] = "7";
    net.advance(150);
    EXPECT_TRUE(net.machine.complete());
}

TEST(tender, a_lone_seed_is_taken_at_once_when_no_other_may_know_better) {
    scripted_network net(seeds({1}));
    net.at(at(1)).script = tests::scripted_cluster({1})[0];
    net.start();
    EXPECT_TRUE(net.machine.complete());
}

TEST(tender, a_lone_seed_gives_way_to_a_cluster) {
    scripted_network net(seeds({9, 8, 1}));
    serve_three(net);
    net.at(at(9)).script = tests::scripted_cluster({9})[0];
    net.at(at(9)).script["node"] = "LONE";
    net.at(at(8)).acts = manner::silent;
    net.start();
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    net.advance(3'000);
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));

    scripted_network alone(seeds({9, 8}));
    alone.at(at(9)).script = net.at(at(9)).script;
    alone.at(at(8)).acts = manner::silent;
    alone.start();
    EXPECT_FALSE(alone.machine.has_members());
    alone.advance(100);
    EXPECT_EQ(alone.names(), names{"LONE"});
}

TEST(tender, drops_a_node_that_died_once_the_others_no_longer_name_it) {
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

TEST(tender, keeps_a_node_that_fails_while_the_others_name_it) {
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

TEST(tender, goes_back_to_its_seeds_when_every_node_is_lost) {
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

TEST(tender, follows_a_partition_to_the_node_that_claimed_it_last) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    set_claims(net.at(at(2)).script, {all_partitions()});
    net.advance(1'100);
    EXPECT_EQ(net.masters_of(0).substr(0, 2), "N2");
    net.advance(5'000);
    EXPECT_EQ(net.masters_of(0).substr(0, 2), "N2") << "a repetition of the old claim overrules nobody";
}

TEST(tender, believes_the_higher_regime_whatever_came_later) {
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

TEST(tender, asks_a_displaced_node_for_its_map_again) {
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

TEST(tender, does_not_believe_the_map_of_a_node_that_was_cut_off) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    set_peers(net.at(at(3)).script, {});
    set_claims(net.at(at(3)).script, {all_partitions()});
    net.advance(3'000);
    EXPECT_EQ(net.masters_of(0), "N1 N2");
    EXPECT_EQ(net.masters_of(1), "N2 N3");
}

TEST(tender, the_last_node_of_a_cluster_is_believed_once_the_others_are_gone) {
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

TEST(tender, another_node_at_a_known_address_is_another_node) {
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

TEST(tender, follows_a_node_to_its_new_address) {
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

TEST(tender, survives_a_rolling_restart) {
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

TEST(tender, gives_up_old_connections_of_a_node_that_counts_its_peers_anew) {
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

TEST(tender, a_seed_behind_a_load_balancer_is_moved_to_its_own_address) {
    scripted_network net(seeds({80}));
    serve_three(net);
    net.at(at(80)).script = net.at(at(1)).script;
    net.start();
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    EXPECT_EQ(net.machine.current()->nodes[0]->address_text(), at(1));

    scripted_network mapped(seeds({80}));
    mapped.at(at(80)).script = tests::scripted_cluster({1})[0];
    mapped.at(at(1)).acts = manner::black_hole;
    mapped.start();
    EXPECT_TRUE(mapped.machine.complete()) << "an address that cannot be reached holds nothing up";
    mapped.advance(5'000);
    EXPECT_EQ(mapped.machine.current()->nodes[0]->address_text(), at(80));
}

TEST(tender, looks_early_when_asked_but_not_too_often) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.start();
    net.advance(1'050);
    const unsigned before = net.at(at(1)).requests;
    for (int i = 0; i < 1000; ++i) {
        net.machine.tend_soon(net.now);
        net.carry_out();
    }
    EXPECT_EQ(net.at(at(1)).requests, before + 1);
    net.advance(100);
    EXPECT_EQ(net.at(at(1)).requests, before + 2);
    net.advance(300);
    EXPECT_EQ(net.at(at(1)).requests, before + 2);
}

TEST(tender, a_name_that_hangs_is_asked_for_once_and_delays_nobody) {
    client_config config = seeds({1});
    config.hosts.insert(config.hosts.begin(), {"hangs.example", 3000});
    scripted_network net(config);
    serve_three(net);
    net.start();
    EXPECT_TRUE(net.machine.complete());

    scripted_network alone([] {
        client_config only;
        only.hosts = {{"hangs.example", 1}};
        return only;
    }());
    serve_three(alone);
    alone.start();
    alone.advance(10'000);
    ASSERT_EQ(alone.hanging.size(), 1u);
    EXPECT_NE(alone.machine.why_no_cluster().text.find("was not resolved within 1000 ms"), std::string::npos);
    alone.machine.resolved(alone.hanging[0].first, std::array{io::numeric_endpoint("10.0.0.1", 1).value()}, "", alone.now);
    alone.carry_out();
    EXPECT_TRUE(alone.machine.complete());
}

TEST(tender, several_addresses_of_one_name_are_several_seeds) {
    client_config config;
    config.hosts = {{"cluster.example", 1}};
    scripted_network net(config);
    serve_three(net);
    net.dns["cluster.example"] = {io::numeric_endpoint("10.0.0.9", 1).value(), io::numeric_endpoint("10.0.0.1", 2).value()};
    net.start();
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
}

TEST(tender, knows_racks_only_when_asked_to) {
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

TEST(tender, nodes_that_lie_about_everything_do_no_harm) {
    scripted_network net(seeds({1, 2}));
    serve_three(net);
    // N2 names itself, N1 at N2's address, names with rubbish in them, and claims partitions of a hundred namespaces.
    auto& script = net.at(at(2)).script;
    script["peers-clear-std"] = "1,3000,[[N2,,[10.0.0.1:2]],[N1,,[10.0.0.1:2]],[\x01\xff,,[10.0.0.1:2]],[X,,[10.0.0.1:3]]]";
    std::vector<wire::replica_claim> claims;
    for (int i = 0; i < 40; ++i) {
        claims.push_back(all_partitions(4'000'000'000u));
        claims.back().name_space = "ns" + std::to_string(i);
    }
    set_claims(script, claims);
    net.start();
    net.advance(10'000);
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    EXPECT_EQ(net.masters_of(0), "N1 -") << "N2 says nothing of this namespace";
    EXPECT_LE(net.open_links(), 6u);
}

TEST(tender, holds_as_many_nodes_as_a_view_can_index) {
    std::vector<uint16_t> ports;
    for (uint16_t port = 1; port <= 130; ++port) ports.push_back(port);
    scripted_network net(seeds({1}));
    const auto scripts = tests::scripted_cluster(ports);
    for (const uint16_t port : ports) net.at(at(port)).script = scripts[port - 1u];
    net.start();
    net.advance(2'000);
    EXPECT_EQ(net.names().size(), nodes_max);
    EXPECT_EQ(net.open_links(), nodes_max);
}

// What three real nodes said while one of them was killed and started again: the view must agree with every snapshot.
TEST(tender, agrees_with_a_real_cluster_through_a_death_and_a_return) {
    client_config config;
    config.hosts = {{"127.0.0.1", 19010}};
    scripted_network net(config);
    bool started = false;
    for (const tests::json& moment : tests::read_json_lines(AERO_GOLDEN_DIR "/cluster_8.1.2.jsonl")) {
        const std::string& when = moment["when"].text;
        std::map<unsigned, std::set<std::string>> masters;
        names alive;
        for (const auto& [port, replies] : moment["nodes"].members) {
            scripted_node& node = net.at("127.0.0.1:" + port);
            if (replies.members.front().first == "error") {
                node.acts = manner::refuses;
                net.cut("127.0.0.1:" + port);
                continue;
            }
            node.acts = manner::answers;
            for (const auto& [command, reply] : replies.members) {
                const std::string& line = reply.text;
                node.script[command] = line.substr(command.size() + 1, line.size() - command.size() - 2);
            }
            if (node.script["partition-generation"] == "-1") continue;
            alive.insert(node.script["node"]);
            const auto claims = wire::decode_replicas(node.script["replicas"]);
            ASSERT_TRUE(claims.has_value());
            for (unsigned p = 0; p < wire::partitions; ++p) {
                if (claims->front().replicas[0].has(p)) masters[p].insert(node.script["node"]);
            }
        }
        if (!started) net.start();
        started = true;
        net.advance(3'000);
        EXPECT_TRUE(net.machine.complete()) << when;
        for (const std::string& name : alive) EXPECT_TRUE(net.names().contains(name)) << when;
        for (unsigned p = 0; p < wire::partitions; ++p) {
            const std::string seen = net.masters_of(p).substr(0, 2);
            if (masters.contains(p)) {
                ASSERT_TRUE(masters[p].contains(seen)) << when << ", partition " << p;
            } else {
                ASSERT_EQ(seen, "A3") << when << ": nobody else claims partition " << p;
            }
        }
        const double seconds = std::strtod(when.c_str(), nullptr);
        const bool killed = when.find("was killed") != std::string::npos && seconds >= 2;
        const bool returning = when.find("was started again") != std::string::npos && seconds < 2;
        const bool gone = killed || returning;
        EXPECT_EQ(net.names(), gone ? (names{"A1", "A2"}) : (names{"A1", "A2", "A3"})) << when;
    }
    EXPECT_EQ(net.names(), (names{"A1", "A2", "A3"}));
}

}  // namespace
}  // namespace aero::cluster
