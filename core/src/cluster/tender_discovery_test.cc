// How the tender finds nodes: good seeds, bad seeds, names, load balancers.
#include <gtest/gtest.h>

#include "cluster/tender_fixture.h"

namespace aero::cluster {
namespace {

TEST(tender_discovery, one_bad_seed_delays_nobody) {
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

TEST(tender_discovery, tells_every_seed_with_its_reason) {
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

TEST(tender_discovery, is_settled_once_every_seed_has_failed) {
    scripted_network net(seeds({1, 2}));
    net.start();
    EXPECT_TRUE(net.machine.settled());
    EXPECT_FALSE(net.machine.has_members());
}

TEST(tender_discovery, refuses_a_cluster_of_another_name) {
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

TEST(tender_discovery, refuses_values_that_do_not_fit) {
    const std::vector<std::pair<std::string, std::string>> bad = {{"node", ""},
                                                                  {"node", "ERROR:4:no"},
                                                                  {"node", "two words"},
                                                                  {"node", std::string(70, 'A')},
                                                                  {"build", "8.1"},
                                                                  {"build", "eight"},
                                                                  {"build", "4.9.0.2"},
                                                                  {"partition-generation", "-1"},
                                                                  {"partition-generation", "x"},
                                                                  {"partition-generation", ""},
                                                                  {"partition-generation", "99999999999999999999"},
                                                                  {"peers-generation", "1.5"},
                                                                  {"peers-clear-std", "1,3000,[[N2,,[10.0.0.1:2]]"},
                                                                  {"peers-clear-std", ""},
                                                                  {"replicas", "test:0,1,AAAA"},
                                                                  {"replicas", "ERROR:4:?"},
                                                                  {"replicas", "test:0,4000000000"}};
    for (const auto& [command, value] : bad) {
        scripted_network net(seeds({1}));
        serve_three(net);
        net.at(at(1)).script[command] = value;
        net.start();
        EXPECT_FALSE(net.machine.has_members()) << command << " = " << value;
        EXPECT_EQ(net.open_links(), 0u);
    }
}

TEST(tender_discovery, waits_for_a_seed_that_has_no_partitions_yet) {
    scripted_network net(seeds({1}));
    serve_three(net);
    net.at(at(1)).script["partition-generation"] = "-1";
    net.start();
    EXPECT_FALSE(net.machine.settled());
    net.at(at(1)).script["partition-generation"] = "7";
    net.advance(150);
    EXPECT_TRUE(net.machine.complete());
}

TEST(tender_discovery, a_lone_seed_is_taken_at_once_when_no_other_may_know_better) {
    scripted_network net(seeds({1}));
    net.at(at(1)).script = tests::scripted_cluster({1})[0];
    net.start();
    EXPECT_TRUE(net.machine.complete());
}

TEST(tender_discovery, a_lone_seed_gives_way_to_a_cluster) {
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

TEST(tender_discovery, a_seed_behind_a_load_balancer_is_moved_to_its_own_address) {
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

TEST(tender_discovery, calls_go_in_clear_where_only_logins_are_secure) {
    client_config config = seeds({1});
    config.tls.enable = config.tls.for_login_only = true;
    scripted_network net(config);
    serve_three(net);
    for (const uint16_t port : {uint16_t{1}, uint16_t{2}, uint16_t{3}}) {
        tests::info_script& script = net.at(at(port)).script;
        script["peers-tls-std"] = script["peers-clear-std"];
        script["service-tls-std"] = script["service-clear-std"];
        script["service-clear-std"] = "10.0.0.1:" + std::to_string(port + 70);
    }
    net.at(at(2)).script["service-clear-std"] = "node-2.example:72";
    net.start();
    const auto calls_at = [&](size_t node) { return net.machine.current()->nodes[node]->address_text(); };
    ASSERT_EQ(net.names(), (names{"N1", "N2", "N3"}));
    EXPECT_EQ(calls_at(0), at(71));
    EXPECT_EQ(calls_at(1), at(72)) << "a name is not looked up: it is that of the host at hand";
    EXPECT_EQ(calls_at(2), at(73));
    EXPECT_EQ(net.at(at(71)).connects, 0u) << "it is asked where it is secure";
    const auto before = net.machine.current()->nodes[2];
    net.at(at(3)).script["service-clear-std"] = "10.0.0.1:79";
    net.advance(2'000);
    EXPECT_EQ(calls_at(2), at(73)) << "told once for each connection";
    net.cut(at(3));
    net.advance(2'000);
    EXPECT_EQ(calls_at(2), at(79));
    EXPECT_FALSE(before->active());
}

TEST(tender_discovery, a_node_without_an_address_for_calls_is_no_member) {
    client_config config = seeds({1});
    config.tls.enable = config.tls.for_login_only = true;
    scripted_network net(config);
    net.at(at(1)).script = tests::scripted_cluster({1})[0];
    net.at(at(1)).script["peers-tls-std"] = net.at(at(1)).script["peers-clear-std"];
    net.at(at(1)).script["service-clear-std"] = "";
    net.start();
    EXPECT_FALSE(net.machine.has_members());
    EXPECT_NE(net.machine.why_no_cluster().text.find("gives no address for calls in clear"), std::string::npos);
}

TEST(tender_discovery, a_name_that_hangs_is_asked_for_once_and_delays_nobody) {
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
    alone.machine.resolved(alone.hanging[0].first, std::array{io::numeric_endpoint("10.0.0.1", 1).value()}, "",
                           alone.now);
    alone.carry_out();
    EXPECT_TRUE(alone.machine.complete());
}

TEST(tender_discovery, several_addresses_of_one_name_are_several_seeds) {
    client_config config;
    config.hosts = {{"cluster.example", 1}};
    scripted_network net(config);
    serve_three(net);
    net.dns["cluster.example"] = {io::numeric_endpoint("10.0.0.9", 1).value(),
                                  io::numeric_endpoint("10.0.0.1", 2).value()};
    net.start();
    EXPECT_EQ(net.names(), (names{"N1", "N2", "N3"}));
}

}  // namespace
}  // namespace aero::cluster
