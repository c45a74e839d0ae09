#include "memory/starving.h"

#include "base/time.h"

namespace aero::test {

neighbour& beside() {
    static neighbour started = neighbour::start();
    return started;
}

client_config config_of(const std::vector<uint16_t>& ports) {
    client_config made;
    for (const uint16_t port : ports) made.hosts.push_back({"127.0.0.1", port});
    made.tend_interval_ms = 20;
    made.connect_timeout_ms = 10'000;
    return made;
}

namespace {

client_config over_tls(client_config how) {
    how.hosts.front().tls_name = "localhost";
    how.tls.enable = true;
    how.tls.cadata = beside().authority;
    return how;
}

client_config with_login(client_config how) {
    how.user = beside().user;
    how.password = secret(beside().password);
    return how;
}

}  // namespace

client_config plain_config() { return config_of(beside().ports); }
client_config secure_config() { return over_tls(config_of(beside().secure_ports)); }
client_config guarded_config() { return with_login(config_of(beside().guarded_ports)); }
client_config locked_config() { return with_login(over_tls(config_of(beside().locked_ports))); }

client_config login_only_config() {
    client_config how = locked_config();
    how.tls.for_login_only = true;
    return how;
}

client_config hedging_config() {
    client_config how = plain_config();
    how.hedged_reads.after_ms = 1;
    how.hedged_reads.share = 1;
    return how;
}

client opened(client_config how) {
    result<client> made = client::open(std::move(how));
    if (!made) throw std::runtime_error(made.error().text);
    return *made;
}

void starve(uint64_t run, const std::function<trouble()>& use, const std::function<void()>& works,
            uint64_t skips_one_in) {
    constexpr nanos longest = from_ms(15'000) * slowness;
    for (uint64_t nth = 1;; nth += 1 + nth / skips_one_in) {
        SCOPED_TRACE("allocation " + std::to_string(nth) + ", " + std::to_string(run) + " in a row");
        const nanos began = monotonic_now();
        memory_failure starving(victims::this_thread, nth, run);
        trouble ended = use();
        const bool failed = starving.stop();
        ASSERT_LT(monotonic_now() - began, longest);
        if (!failed) {
            ASSERT_FALSE(ended) << "with all the memory it wants: " << ended->text;
            ASSERT_GT(nth, 1u) << "it needs no memory: nothing was tested";
            return;
        }
        if (ended) {
            ASSERT_EQ(ended->what, code::no_memory) << ended->text;
            ASSERT_EQ(ended->text, "out of memory");
        }
        works();
        if (testing::Test::HasFatalFailure()) return;
    }
}

starved_client::starved_client(client_config how) : client_(opened(std::move(how))) {
    EXPECT_TRUE(fill(client_, 60, "starved"));
}

void starved_client::expect_service() {
    const auto got = client_.get(key_of(7, "starved"), patient<read_policy>());
    ASSERT_TRUE(got) << got.error().text;
    ASSERT_EQ(got->bins, bins_of(7));
}

bins starved_client::numbered(int64_t n) {
    const memory_at_ease now;
    return {{"n", n}};
}

std::vector<key> starved_client::keys() {
    std::vector<key> made;
    for (int64_t i = 0; i < 60; ++i) made.push_back(key_of(i, "starved"));
    return made;
}

}  // namespace aero::test

int main(int count, char** arguments) {
    aero::test::beside();
    testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
