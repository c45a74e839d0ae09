// Whole uses of a client with the 1st, 2nd, 3rd ... allocation failing until a use needs no more. Each ends in time
// with an error that says so, or does without; then everything works.
//
// Leaks are found by the build with AddressSanitizer, crashes and calls without end by the tests' own. One thread.
#pragma once

#include <functional>
#include <optional>

#include "cluster_fixture.h"
#include "memory/failures.h"
#include "memory/neighbour.h"

namespace aero::test {

// Started by the first to ask: `main`, before there is a second thread.
neighbour& beside();

client_config config_of(const std::vector<uint16_t>& ports);
client_config plain_config();       // three nodes
client_config secure_config();      // TLS
client_config guarded_config();     // a login in clear
client_config locked_config();      // a login over TLS
client_config login_only_config();  // and calls in clear
client_config hedging_config();     // every read that takes a millisecond asks a second node
client opened(client_config how);

// What a use came to: nothing when it succeeded.
using trouble = std::optional<error>;

template <class T>
trouble trouble_of(const result<T>& ended) {
    return ended ? trouble() : trouble(ended.error());
}

inline void expect_none(const trouble& of) { ASSERT_FALSE(of) << name_of(of->what) << ": " << of->text; }

// Runs `use` with more and more memory until it needs none beyond; `works` looks whether all is well after each
// failure.
void starve(uint64_t run, const std::function<trouble()>& use, const std::function<void()>& works,
            uint64_t skips_one_in = UINT64_MAX);

class out_of_memory : public testing::TestWithParam<uint64_t> {
  protected:
    void starve(const std::function<trouble()>& use, const std::function<void()>& works = [] {}) {
        test::starve(GetParam(), use, works);
    }
};

// A client, and 60 records that it has put.
class starved_client : public out_of_memory {
  protected:
    explicit starved_client(client_config how = plain_config());
    void expect_service();
    static bins numbered(int64_t n);
    static std::vector<key> keys();

    client client_;
};

}  // namespace aero::test
