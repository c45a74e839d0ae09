#include "wire/partition_map.h"

#include <gtest/gtest.h>

#include <string>

namespace aero::wire {
namespace {

std::string all_partitions() { return std::string(682, '/') + "8="; }
std::string no_partitions() { return std::string(683, 'A') + "="; }

TEST(replicas, full_ownership_is_every_partition) {
    const auto claims = decode_replicas("test:0,1," + all_partitions());
    ASSERT_TRUE(claims) << claims.error().text;
    ASSERT_EQ(claims->size(), 1u);
    EXPECT_EQ(claims->front().name_space, "test");
    EXPECT_EQ(claims->front().replicas.at(0).count(), partitions);
}

TEST(replicas, a_partition_is_a_bit_from_the_left) {
    replica_claim claim;
    claim.name_space = "test";
    claim.replicas.resize(1);
    claim.replicas[0].add(0);
    claim.replicas[0].add(4095);
    EXPECT_EQ(claim.replicas[0].bits[0], 0x80);
    EXPECT_EQ(claim.replicas[0].bits[511], 0x01);
    const std::string text = encode_replicas({claim});
    EXPECT_TRUE(text.starts_with("test:0,1,gAAA"));
    EXPECT_TRUE(text.ends_with("AAE="));
    const auto claims = decode_replicas(text);
    ASSERT_TRUE(claims);
    EXPECT_TRUE(claims->front().replicas[0].has(0));
    EXPECT_FALSE(claims->front().replicas[0].has(1));
    EXPECT_TRUE(claims->front().replicas[0].has(4095));
    EXPECT_EQ(claims->front().replicas[0].count(), 2u);
}

TEST(replicas, namespaces_regimes_and_counts_go_both_ways) {
    const std::string text =
        "a:0,2," + all_partitions() + "," + no_partitions() + ";b:4294967295,1," + no_partitions() + ";c:7,0";
    const auto claims = decode_replicas(text);
    ASSERT_TRUE(claims) << claims.error().text;
    ASSERT_EQ(claims->size(), 3u);
    EXPECT_EQ((*claims)[0].replicas.size(), 2u);
    EXPECT_EQ((*claims)[0].replicas[1].count(), 0u);
    EXPECT_EQ((*claims)[1].regime, 4294967295u);
    EXPECT_TRUE((*claims)[2].replicas.empty());
    EXPECT_EQ(encode_replicas(*claims), text);
    EXPECT_TRUE(decode_replicas("")->empty());
}

TEST(replicas, text_that_is_no_map_is_a_bad_reply) {
    const std::string one = all_partitions();
    for (const std::string& text :
         {std::string("test"), std::string("test:"), std::string("test:0"), std::string(":0,1,") + one,
          "test:-1,1," + one, "test:x,1," + one, "test:4294967296,1," + one, "test:0,2," + one,
          "test:0,1," + one + "," + one, "test:0,1," + one.substr(1), "test:0,1,*" + one.substr(1),
          "test:0,4000000000," + one, "test:0,1," + std::string(682, '/') + "9=", "test:0,1," + std::string(684, '/'),
          std::string("ERROR:4:no")}) {
        const auto claims = decode_replicas(text);
        ASSERT_FALSE(claims) << text.substr(0, 30);
        EXPECT_EQ(claims.error().what, code::bad_reply);
    }
}

TEST(peers, an_empty_list_is_a_cluster_of_one) {
    const auto list = decode_peers("0,3000,[]");
    ASSERT_TRUE(list) << list.error().text;
    EXPECT_EQ(*list, (peer_list{0, 3000, {}}));
    EXPECT_EQ(encode_peers(*list), "0,3000,[]");
}

TEST(peers, hosts_names_and_ports_go_both_ways) {
    const std::string text =
        "12,3000,[[A2,,[10.0.0.2,[2001:db8::2]]],[A3,tls.example,[db3.example:4000,[::1]:3001]],[A4,,]]";
    const auto list = decode_peers(text);
    ASSERT_TRUE(list) << list.error().text;
    ASSERT_EQ(list->peers.size(), 3u);
    EXPECT_EQ(list->generation, 12u);
    EXPECT_EQ(list->peers[0], (peer{"A2", "", {{"10.0.0.2", 3000}, {"2001:db8::2", 3000}}}));
    EXPECT_EQ(list->peers[1], (peer{"A3", "tls.example", {{"db3.example", 4000}, {"::1", 3001}}}));
    EXPECT_TRUE(list->peers[2].hosts.empty()) << "a node that left";
    EXPECT_EQ(encode_peers(*list), text);
}

TEST(peers, text_that_is_no_list_is_a_bad_reply) {
    for (const std::string_view text :
         {"", "0", "0,3000", "0,3000,", "0,3000,[", "x,3000,[]", "0,70000,[]", "0,3000,[]]", "0,3000,[[A2,,[h]]",
          "0,3000,[[A2]]", "0,3000,[[,,[h]]]", "0,3000,[[A2,,[h:]]]", "0,3000,[[A2,,[h:99999]]]",
          "0,3000,[[A2,,[[::1]]]", "0,3000,[[A2,,[,]]]", "0,3000,[[A2,,[h]],]", "ERROR:25:enterprise only"}) {
        const auto list = decode_peers(text);
        ASSERT_FALSE(list) << text;
        EXPECT_EQ(list.error().what, code::bad_reply);
    }
}

TEST(service, addresses_go_both_ways) {
    const auto hosts = decode_service("127.0.0.1:19010,[::1]:3000,name:1");
    ASSERT_TRUE(hosts) << hosts.error().text;
    EXPECT_EQ(*hosts, (std::vector<host>{{"127.0.0.1", 19010}, {"::1", 3000}, {"name", 1}}));
    EXPECT_EQ(encode_service(*hosts), "127.0.0.1:19010,[::1]:3000,name:1");
    EXPECT_TRUE(decode_service("")->empty());
    EXPECT_EQ(decode_service("h", 3100)->front(), (host{"h", 3100}));
}

TEST(service, text_that_is_no_address_is_a_bad_reply) {
    for (const std::string_view text : {",", "h:1,", ":1", "h:x", "h:65536", "[::1", "h:1]", "[a[b]:1", "[a,b]:1"}) {
        EXPECT_FALSE(decode_service(text)) << text;
    }
}

}  // namespace
}  // namespace aero::wire
