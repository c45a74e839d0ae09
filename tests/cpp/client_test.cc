// The typed calls of the C++ client on clusters of one and three nodes.
#include <numeric>

#include "cluster_fixture.h"
#include "metrics/counters.h"

namespace aero::test {
namespace {

class typed_client : public testing::TestWithParam<unsigned> {
  protected:
    typed_client() : nodes_(GetParam()), client_(nodes_.open()) {}
    ~typed_client() override { client_.close(); }

    cluster nodes_;
    client client_;
};

INSTANTIATE_TEST_SUITE_P(nodes, typed_client, testing::Values(1u, 3u));

TEST_P(typed_client, knows_every_node_and_answers_a_ping) {
    EXPECT_TRUE(client_.is_open());
    EXPECT_EQ(client_.node_names().size(), GetParam());
    EXPECT_TRUE(client_.ping());
    client_.close();
    EXPECT_FALSE(client_.is_open());
    EXPECT_FALSE(client_.ping());
    const auto after = client_.get(key_of(1));
    ASSERT_FALSE(after);
    EXPECT_EQ(after.error().what, code::client);
}

TEST_P(typed_client, every_kind_of_value_comes_back_as_it_was_put) {
    const bins all{{"int", INT64_MIN},
                   {"float", -1.5},
                   {"bool", true},
                   {"text", "caf\xC3\xA9"},
                   {"blob", blob{{0, 1, 255}}},
                   {"list", list{1, "two", list{3.0, nullptr}}},
                   {"map", map{{"a", 1}, {"b", list{true}}}}};
    const key where{.name_space = "test", .set = "cpp", .user_key = "values"};
    ASSERT_TRUE(client_.put(where, all));
    const auto got = client_.get(where);
    ASSERT_TRUE(got) << got.error().text;
    EXPECT_EQ(got->generation, 1u);
    ASSERT_EQ(got->bins.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(got->bins[i].name, all[i].name);
        if (all[i].name == "map") continue;  // comes back sorted, with the flag that says so
        EXPECT_EQ(got->bins[i].content, all[i].content) << all[i].name;
    }
    const auto* entries = got->bins.back().content.if_is<map>();
    ASSERT_NE(entries, nullptr);
    ASSERT_NE(entries->find("b"), nullptr);
    EXPECT_EQ(*entries->find("b"), value(list{true}));
}

TEST_P(typed_client, named_bins_exists_and_remove) {
    ASSERT_TRUE(client_.put(key_of(5), bins_of(5)));
    const std::vector<std::string> only{"s"};
    const auto some = client_.get(key_of(5), only);
    ASSERT_TRUE(some) << some.error().text;
    EXPECT_EQ(some->bins, (bins{{"s", "text 5"}}));
    EXPECT_TRUE(client_.exists(key_of(5)).value());
    ASSERT_TRUE(client_.remove(key_of(5)));
    EXPECT_FALSE(client_.exists(key_of(5)).value());
    EXPECT_EQ(client_.get(key_of(5)).error().what, code::record_not_found);
    EXPECT_EQ(client_.remove(key_of(5)).error().what, code::record_not_found);
}

TEST_P(typed_client, policies_of_existence_and_generation_hold) {
    write_policy create_only;
    create_only.exists = exists_policy::create_only;
    ASSERT_TRUE(client_.put(key_of(6), bins_of(6), create_only));
    EXPECT_EQ(client_.put(key_of(6), bins_of(6), create_only).error().what, code::record_exists);
    write_policy equal;
    equal.generation_check = generation_policy::equal;
    equal.generation = 9;
    EXPECT_EQ(client_.put(key_of(6), bins_of(6), equal).error().what, code::generation);
    equal.generation = 1;
    EXPECT_TRUE(client_.put(key_of(6), bins_of(6), equal));
    write_policy update_only;
    update_only.exists = exists_policy::update_only;
    EXPECT_EQ(client_.put(key_of(777'777), bins_of(6), update_only).error().what, code::record_not_found);
}

TEST_P(typed_client, batch_answers_each_key_in_its_place) {
    ASSERT_TRUE(fill(client_, 200));
    ASSERT_TRUE(fill(client_, 50, "other"));
    std::vector<key> keys;
    for (int64_t i = 0; i < 200; ++i) {
        keys.push_back(key_of(i));
        keys.push_back(key_of(i, "other"));
    }
    const auto rows = client_.batch_read(keys);
    ASSERT_TRUE(rows) << rows.error().text;
    ASSERT_EQ(rows->size(), keys.size());
    for (int64_t i = 0; i < 200; ++i) {
        const batch_record& first = (*rows)[static_cast<size_t>(2 * i)];
        const batch_record& second = (*rows)[static_cast<size_t>(2 * i + 1)];
        EXPECT_EQ(first.what, code::ok);
        EXPECT_EQ(first.found.bins, bins_of(i));
        EXPECT_EQ(second.what, i < 50 ? code::ok : code::record_not_found);
        EXPECT_EQ(second.found.bins, i < 50 ? bins_of(i) : bins{});
    }
}

TEST_P(typed_client, batches_of_no_keys_and_of_one_key_many_times) {
    const auto none = client_.batch_read({});
    ASSERT_TRUE(none) << none.error().text;
    EXPECT_TRUE(none->empty());
    ASSERT_TRUE(client_.put(key_of(1), bins_of(1)));
    std::vector<key> keys(1000, key_of(1));
    for (size_t i = 0; i < keys.size(); i += 3) keys[i] = key_of(-1);
    const auto rows = client_.batch_read(keys);
    ASSERT_TRUE(rows) << rows.error().text;
    for (size_t i = 0; i < keys.size(); ++i) {
        EXPECT_EQ((*rows)[i].what, i % 3 == 0 ? code::record_not_found : code::ok);
        EXPECT_EQ((*rows)[i].found.bins, i % 3 == 0 ? bins{} : bins_of(1));
    }
}

TEST_P(typed_client, hundred_thousand_keys_in_one_call) {
    constexpr int64_t count = 100'000;
    ASSERT_TRUE(fill(client_, 500));
    std::vector<key> keys;
    keys.reserve(count);
    for (int64_t i = 0; i < count; ++i) keys.push_back(key_of(i));
    const auto rows = client_.batch_read(keys, patient<batch_policy>());
    ASSERT_TRUE(rows) << rows.error().text;
    ASSERT_EQ(rows->size(), keys.size());
    int64_t sum = 0;
    size_t found = 0;
    for (const batch_record& row : *rows) {
        if (row.what != code::ok) continue;
        ++found;
        sum += row.found.bins.at(0).content.as<int64_t>();
    }
    EXPECT_EQ(found, 500u);
    EXPECT_EQ(sum, 500 * 499 / 2);
}

TEST_P(typed_client, deadline_of_one_millisecond_is_kept) {
    std::vector<key> keys;
    for (int64_t i = 0; i < 100'000; ++i) keys.push_back(key_of(i));
    batch_policy hasty;
    hasty.total_timeout_ms = 1;
    const auto started = std::chrono::steady_clock::now();
    const auto rows = client_.batch_read(keys, hasty);
    const auto took = std::chrono::steady_clock::now() - started;
    ASSERT_FALSE(rows);
    EXPECT_TRUE(rows.error().what == code::deadline || rows.error().what == code::timeout) << rows.error().text;
    EXPECT_FALSE(rows.error().in_doubt);
    EXPECT_LT(took, std::chrono::milliseconds(1000 * slowness));
    ASSERT_TRUE(client_.put(key_of(1), bins_of(1)));  // the client goes on
    EXPECT_EQ(client_.get(key_of(1))->bins, bins_of(1));
}

TEST_P(typed_client, replies_of_late_calls_are_dropped_while_others_call) {
    std::vector<key> keys;
    for (int64_t i = 0; i < 3000; ++i) keys.push_back(key_of(i));
    ASSERT_TRUE(client_.put(key_of(1), bins_of(1), patient_write()));
    batch_policy hasty;
    hasty.total_timeout_ms = 1;
    hasty.timeout_delay_ms = 60'000;
    const uint64_t dropped = metrics::count_of(metrics::event::reply_discarded);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int turn = 0; turn < 20; ++turn) {
                static_cast<void>(client_.batch_read(keys, hasty));
                EXPECT_EQ(client_.get(key_of(1), patient<read_policy>())->bins, bins_of(1));
            }
        });
    for (std::thread& each : threads) each.join();
    EXPECT_TRUE(comes_true_within(std::chrono::seconds(20), [&] {
        static_cast<void>(client_.batch_read(keys, hasty));
        return metrics::count_of(metrics::event::reply_discarded) > dropped;
    }));
}

TEST_P(typed_client, names_bins_and_values_beyond_the_limits_are_refused) {
    const auto refused = [](const result<void>& of) { return !of && of.error().what == code::invalid_argument; };
    key long_set = key_of(1);
    long_set.set = std::string(64, 's');
    EXPECT_TRUE(refused(client_.put(long_set, bins_of(1))));
    key nameless = key_of(1);
    nameless.name_space.clear();
    EXPECT_TRUE(refused(client_.put(nameless, bins_of(1))));
    EXPECT_TRUE(refused(client_.put(key_of(1), {{std::string(16, 'b'), int64_t{1}}})));
    EXPECT_TRUE(refused(client_.put(key_of(1), bins(40'000, {"b", int64_t{1}}))));
    const std::vector<std::string> names{std::string(300, 'b')};
    EXPECT_EQ(client_.get(key_of(1), names).error().what, code::invalid_argument);
    const std::vector<std::string> many(70'000, "b");
    EXPECT_EQ(client_.get(key_of(1), many).error().what, code::invalid_argument);
    std::string large;
    large.resize(70'000'000, 'x');
    const bins half{{"a", large}, {"b", large}};
    const auto whole = client_.put(key_of(1), half);
    EXPECT_TRUE(refused(whole));
    EXPECT_NE(whole.error().text.find("134217728"), std::string::npos) << whole.error().text;
}

TEST_P(typed_client, unknown_namespace_is_refused_at_once_and_the_known_ones_are_named) {
    key lost = key_of(1);
    lost.name_space = "nowhere";
    const auto started = std::chrono::steady_clock::now();
    const auto got = client_.get(lost, patient<read_policy>());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().what, code::invalid_namespace);
    EXPECT_NE(got.error().text.find("test"), std::string::npos) << got.error().text;
    const auto put = client_.put(lost, bins_of(1), patient_write());
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().what, code::invalid_namespace);
    EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(200 * slowness));
}

TEST_P(typed_client, truncate_empties_a_set_and_no_other) {
    ASSERT_TRUE(fill(client_, 20, "gone"));
    ASSERT_TRUE(fill(client_, 20, "kept"));
    const auto done = client_.truncate("test", "gone");
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_TRUE(comes_true_within(std::chrono::seconds(5), [&] { return !client_.exists(key_of(3, "gone")).value(); }));
    EXPECT_TRUE(client_.exists(key_of(3, "kept")).value());
}

TEST_P(typed_client, info_comes_from_every_node_or_from_one) {
    const auto all = client_.info("node", client::info_target::every_node);
    ASSERT_TRUE(all) << all.error().text;
    EXPECT_EQ(all->size(), GetParam());
    for (const info_reply& each : *all) EXPECT_EQ(each.text, each.node);
    const auto one = client_.info("build", client::info_target::any_node);
    ASSERT_TRUE(one) << one.error().text;
    EXPECT_EQ(one->size(), 1u);
}

TEST(client, refuses_what_it_cannot_reach_and_what_is_another_cluster) {
    client_config nobody;
    nobody.hosts = {{"127.0.0.1", 1}};
    nobody.connect_timeout_ms = 500;
    const auto refused = client::open(nobody);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find("127.0.0.1:1"), std::string::npos) << refused.error().text;

    const cluster nodes(1);
    client_config other = nodes.config();
    other.cluster_name = "another";
    other.connect_timeout_ms = 500;
    const auto wrong = client::open(other);
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().text.find("another"), std::string::npos) << wrong.error().text;
}

}  // namespace
}  // namespace aero::test
