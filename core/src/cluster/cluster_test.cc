// Clusters of scripted servers on real sockets: what the driver adds to the tender.
#include "cluster/cluster.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <functional>

#include "aero/client.h"
#include "testing/loopback_server.h"

namespace aero::cluster {
namespace {

using tests::loopback_server;

// As many servers as asked for, each a node of one cluster.
struct servers {
    std::deque<loopback_server> all;
    explicit servers(size_t count) {
        for (size_t i = 0; i < count; ++i) all.emplace_back();
        std::vector<uint16_t> ports;
        for (const loopback_server& each : all) ports.push_back(each.port());
        const auto scripts = tests::scripted_cluster(ports, 2, "127.0.0.1");
        for (size_t i = 0; i < count; ++i) all[i].serve(scripts[i]);
    }
    client_config config(std::initializer_list<size_t> seeds = {0}) const {
        client_config made;
        for (const size_t i : seeds) made.hosts.push_back({"127.0.0.1", all[i].port()});
        made.tend_interval_ms = 50;
        return made;
    }
};

bool within(int64_t ms, const std::function<bool()>& holds) {
    const nanos until = monotonic_now() + from_ms(ms);
    while (!holds()) {
        if (monotonic_now() > until) return false;
        usleep(2000);
    }
    return true;
}

size_t open_descriptors() {
    size_t count = 0;
    DIR* all = opendir("/proc/self/fd");
    if (all == nullptr) return 0;
    while (readdir(all) != nullptr) ++count;
    closedir(all);
    return count;
}

TEST(cluster, opens_with_every_node_and_owner_known) {
    servers three(3);
    const auto opened = cluster::open(three.config());
    ASSERT_TRUE(opened.has_value()) << opened.error().text;
    const view_ptr seen = (*opened)->current();
    EXPECT_EQ(seen->nodes.size(), 3u);
    EXPECT_EQ(seen->version, (*opened)->version());
    ASSERT_NE(seen->find("test"), nullptr);
    for (unsigned p = 0; p < wire::partitions; ++p) {
        ASSERT_EQ(seen->nodes[seen->find("test")->owners[0][p]]->name(), "N" + std::to_string(p % 3 + 1));
    }
}

TEST(cluster, is_not_kept_waiting_by_a_bad_seed) {
    for (const auto bad : {loopback_server::manner::silent, loopback_server::manner::closes,
                           loopback_server::manner::garbage, loopback_server::manner::half}) {
        servers nodes(2);
        loopback_server other;
        other.act(bad);
        client_config config = nodes.config({1});
        config.hosts.insert(config.hosts.begin(), {"127.0.0.1", other.port()});
        config.connect_timeout_ms = 3000;
        const nanos before = monotonic_now();
        const auto opened = cluster::open(config);
        ASSERT_TRUE(opened.has_value()) << opened.error().text;
        EXPECT_EQ((*opened)->current()->nodes.size(), 2u);
        EXPECT_LT(monotonic_now() - before, from_ms(1500));
    }
}

TEST(cluster, tells_each_seed_with_its_reason_in_time) {
    loopback_server silent, garbage, gone;
    silent.act(loopback_server::manner::silent);
    garbage.act(loopback_server::manner::garbage);
    gone.stop();
    client_config config;
    for (const loopback_server* each : {&silent, &garbage, &gone}) config.hosts.push_back({"127.0.0.1", each->port()});
    config.connect_timeout_ms = 1000;
    const nanos before = monotonic_now();
    const auto opened = cluster::open(config);
    const nanos took = monotonic_now() - before;
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().what, code::cluster);
    const std::string& text = opened.error().text;
    // The wait for the seed and the wait for the cluster end together; either may be the one that is told of.
    EXPECT_NE(text.find(std::to_string(silent.port()) + " did not answer"), std::string::npos) << text;
    EXPECT_NE(text.find("1000 ms"), std::string::npos) << text;
    EXPECT_NE(text.find(std::to_string(garbage.port()) + " answered with something"), std::string::npos) << text;
    EXPECT_NE(text.find("Connection refused"), std::string::npos) << text;
    EXPECT_GE(took, from_ms(990));
    EXPECT_LT(took, from_ms(5000));
}

TEST(cluster, fails_at_once_when_every_seed_refuses) {
    loopback_server gone;
    gone.stop();
    client_config config;
    config.hosts = {{"127.0.0.1", gone.port()}};
    config.connect_timeout_ms = 20'000;
    const nanos before = monotonic_now();
    EXPECT_FALSE(cluster::open(config).has_value());
    EXPECT_LT(monotonic_now() - before, from_ms(2000));
}

struct second_time final : interrupt_hook {
    unsigned asked = 0;
    bool interrupted() noexcept override { return ++asked == 2; }
};

TEST(cluster, gives_up_looking_for_nodes_when_it_is_interrupted) {
    loopback_server silent;
    silent.act(loopback_server::manner::silent);
    client_config config;
    config.hosts = {{"127.0.0.1", silent.port()}};
    config.connect_timeout_ms = 60'000;
    second_time hook;
    const auto opened = cluster::open(config, &hook);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().what, code::cancelled);
    EXPECT_EQ(hook.asked, 2u);
}

TEST(cluster, refuses_configurations_without_a_place_to_go) {
    EXPECT_EQ(cluster::open({}).error().what, code::invalid_host);
    client_config config;
    config.hosts = {{"127.0.0.1", 0}};
    EXPECT_EQ(cluster::open(config).error().what, code::invalid_host);
    config.hosts = {{"", 3000}};
    EXPECT_EQ(cluster::open(config).error().what, code::invalid_host);
}

TEST(cluster, refuses_another_cluster_name) {
    servers one(1);
    client_config config = one.config();
    config.cluster_name = "expected";
    EXPECT_EQ(cluster::open(config).error().what, code::cluster);
    config.cluster_name = "scripted";
    EXPECT_TRUE(cluster::open(config).has_value());
}

TEST(cluster, finds_hosts_by_name) {
    servers two(2);
    client_config config = two.config();
    config.hosts[0].name = "localhost";
    const auto opened = cluster::open(config);
    ASSERT_TRUE(opened.has_value()) << opened.error().text;
    EXPECT_EQ((*opened)->current()->nodes.size(), 2u);
}

TEST(cluster, follows_a_node_that_stops_and_comes_back) {
    servers three(3);
    const auto opened = cluster::open(three.config()).value();
    three.all[2].stop();
    std::vector<uint16_t> left{three.all[0].port(), three.all[1].port()};
    auto scripts = tests::scripted_cluster(left, 2, "127.0.0.1");
    for (size_t i = 0; i < 2; ++i) {
        scripts[i]["partition-generation"] = scripts[i]["peers-generation"] = "2";
        three.all[i].serve(scripts[i]);
    }
    opened->tend_soon();
    EXPECT_TRUE(within(5000, [&] { return opened->current()->nodes.size() == 2; }));
    const uint64_t version = opened->version();
    scripts = tests::scripted_cluster({left[0], left[1], three.all[2].port()}, 2, "127.0.0.1");
    three.all[2].start_again();
    for (size_t i = 0; i < 3; ++i) {
        scripts[i]["partition-generation"] = scripts[i]["peers-generation"] = "3";
        three.all[i].serve(scripts[i]);
    }
    EXPECT_TRUE(within(5000, [&] { return opened->current()->nodes.size() == 3; }));
    EXPECT_GT(opened->version(), version);
}

TEST(cluster, closes_promptly_even_while_everything_hangs) {
    servers two(2);
    const auto opened = cluster::open(two.config()).value();
    for (loopback_server& each : two.all) each.act(loopback_server::manner::silent);
    usleep(120'000);
    const nanos before = monotonic_now();
    opened->close();
    EXPECT_LT(monotonic_now() - before, from_ms(500));
    EXPECT_TRUE(opened->closed());
    opened->close();
    for (const auto& each : opened->current()->nodes) EXPECT_FALSE(each->active());
}

TEST(cluster, leaves_no_descriptor_behind) {
    servers two(2);
    { const auto warm = cluster::open(two.config()); }
    usleep(50'000);
    const size_t before = open_descriptors();
    for (int i = 0; i < 10; ++i) {
        const auto opened = cluster::open(two.config());
        ASSERT_TRUE(opened.has_value());
    }
    EXPECT_TRUE(within(2000, [&] { return open_descriptors() <= before; })) << open_descriptors() << " > " << before;
}

TEST(cluster, its_thread_takes_no_signals) {
    servers one(1);
    const auto opened = cluster::open(one.config()).value();
    sigset_t blocked, none;
    sigemptyset(&none);
    ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &none, &blocked), 0);
    EXPECT_FALSE(sigismember(&blocked, SIGINT)) << "the mask of the opening thread is its own again";
    // A signal to the process that only this thread does not block must not end up in the tend thread.
    static std::atomic<pthread_t> taken_by;
    struct sigaction action{};
    struct sigaction kept{};
    action.sa_handler = [](int) { taken_by = pthread_self(); };
    sigaction(SIGUSR2, &action, &kept);
    for (int i = 0; i < 20; ++i) {
        taken_by = pthread_t{};
        kill(getpid(), SIGUSR2);
        ASSERT_TRUE(within(2000, [&] { return taken_by.load() != pthread_t{}; }));
    }
    sigaction(SIGUSR2, &kept, nullptr);
}

#if !defined(__SANITIZE_THREAD__)
TEST(cluster, a_forked_child_leaves_the_parent_alone) {
    servers two(2);
    const auto opened = cluster::open(two.config()).value();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        alarm(20);
        opened->abandon_after_fork();
        _exit(opened->closed() ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    const unsigned accepted = two.all[0].accepted();
    usleep(300'000);
    EXPECT_EQ(two.all[0].accepted(), accepted) << "the parent's connections live on";
    EXPECT_EQ(opened->current()->nodes.size(), 2u);
}
#endif

TEST(cluster, may_be_asked_by_many_threads_while_nodes_come_and_go) {
    servers three(3);
    const auto opened = cluster::open(three.config()).value();
    std::atomic<bool> over{false};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            uint64_t last = 0;
            while (!over) {
                const view_ptr seen = opened->current();
                EXPECT_GE(seen->version, last);
                last = seen->version;
                if (const namespace_map* map = seen->find("test")) {
                    for (unsigned p = 0; p < 64; ++p) route(*map, *seen, p, replica_policy::sequence, {}, 0);
                }
                opened->tend_soon();
                std::this_thread::sleep_for(std::chrono::microseconds(200));
            }
        });
    }
    for (int round = 0; round < 3; ++round) {
        three.all[2].stop();
        usleep(60'000);
        three.all[2].start_again();
        usleep(60'000);
    }
    over = true;
    for (std::thread& each : readers) each.join();
    EXPECT_TRUE(within(5000, [&] { return opened->current()->nodes.size() == 3; }));
}

}  // namespace
}  // namespace aero::cluster
