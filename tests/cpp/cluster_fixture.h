// A cluster of the embedded server and clients of it, for tests. One owner, one thread, except where a test says so.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "aero/client.h"
#include "server.h"

namespace aero::test {

// Sanitizers make everything several times slower; loads and time limits follow.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr int slowness = 5;
#else
inline constexpr int slowness = 1;
#endif

class cluster {
  public:
    explicit cluster(unsigned nodes) : server_({.nodes = nodes}) {
        const std::string problem = server_.start();
        EXPECT_EQ(problem, "");
    }
    aero_server::server& server() { return server_; }

    client_config config() const {
        client_config made;
        for (const auto& [name, port] : server_.endpoints()) made.hosts.push_back({name, port});
        made.tend_interval_ms = 200;
        made.connect_timeout_ms = 5000;
        return made;
    }
    client open() const {
        result<client> opened = client::open(config());
        if (!opened) throw std::runtime_error(opened.error().text);
        return *opened;
    }

  private:
    aero_server::server server_;
};

inline key key_of(int64_t number, std::string set = "cpp") {
    return {.name_space = "test", .set = std::move(set), .user_key = number};
}
inline bins bins_of(int64_t number) { return {{"n", number}, {"s", "text " + std::to_string(number)}}; }

inline write_policy patient_write() {
    write_policy made;
    made.total_timeout_ms = 20'000;
    return made;
}
template <class Policy>
Policy patient() {
    Policy made;
    made.total_timeout_ms = 20'000;
    made.max_retries = 10;
    return made;
}

// Puts `count` records; false when one could not be written.
inline testing::AssertionResult fill(client& into, int64_t count, const std::string& set = "cpp") {
    for (int64_t i = 0; i < count; ++i) {
        const result<void> put = into.put(key_of(i, set), bins_of(i), patient_write());
        if (!put) return testing::AssertionFailure() << "put " << i << ": " << put.error().text;
    }
    return testing::AssertionSuccess();
}

template <class Condition>
bool comes_true_within(std::chrono::milliseconds limit, Condition condition) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

}  // namespace aero::test
