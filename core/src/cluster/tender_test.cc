#include "cluster/tender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "cluster/tender_fixture.h"
#include "testing/json.h"

namespace aero::cluster {
namespace {

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
        return std::ranges::count_if(net.at(at(port)).asked,
                                     [](const std::string& c) { return c.starts_with("user-agent-set"); });
    };
    EXPECT_EQ(introduced(1), 1);
    EXPECT_EQ(introduced(2), 0);
    EXPECT_LE(user_agent_value(std::string(200, 'x')).size(), 84u);
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

TEST(tender, keeps_to_its_rounds_when_it_may_not_look_early) {
    client_config config = seeds({1});
    config.early_tend = false;
    scripted_network net(config);
    serve_three(net);
    net.start();
    net.advance(1'050);
    const unsigned before = net.at(at(1)).requests;
    net.machine.tend_soon(net.now);
    net.advance(500);
    EXPECT_EQ(net.at(at(1)).requests, before);
    net.advance(500);
    EXPECT_EQ(net.at(at(1)).requests, before + 1);
}

TEST(tender, nodes_that_lie_about_everything_do_no_harm) {
    scripted_network net(seeds({1, 2}));
    serve_three(net);
    // N2 names itself, N1 at N2's address, names with rubbish in them, and claims partitions of a hundred namespaces.
    auto& script = net.at(at(2)).script;
    script["peers-clear-std"] =
        "1,3000,[[N2,,[10.0.0.1:2]],[N1,,[10.0.0.1:2]],[\x01\xff,,[10.0.0.1:2]],[X,,[10.0.0.1:3]]]";
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
