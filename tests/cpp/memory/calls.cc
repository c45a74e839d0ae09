// Opening clients, and calls on threads.
#include "memory/starving.h"
#include "metrics/counters.h"
#include "wire/password_hash.h"

namespace aero::test {
namespace {

// One failure, as of a large block; and many in a row, as of a process at its limit.
INSTANTIATE_TEST_SUITE_P(in_a_row, out_of_memory, testing::Values(1u, 1000u));

TEST_P(out_of_memory, opening) {
    const client_config how = plain_config();
    starve([&] { return trouble_of(client::open(copy_of(how))); });
}

TEST_P(out_of_memory, opening_over_tls) {
    const client_config how = secure_config();
    starve([&] { return trouble_of(client::open(copy_of(how))); });
}

// A password is hashed slowly on purpose, so that not every allocation has its turn.
TEST_P(out_of_memory, opening_with_a_login) {
    for (const client_config& how : {guarded_config(), locked_config(), login_only_config()})
        test::starve(GetParam(), [&] { return trouble_of(client::open(copy_of(how))); }, [] {}, 3);
}

TEST_P(out_of_memory, refusing_a_configuration) {
    const auto refused_by = [](client_config how, code what) {
        return [how = std::move(how), what]() -> trouble {
            const result<client> ended = client::open(copy_of(how));
            const memory_at_ease now;
            if (!ended && ended.error().what == what) return {};
            return ended ? error{.text = "it was not refused"} : ended.error();
        };
    };
    client_config nobody = plain_config();
    nobody.hosts = {{"127.0.0.1", 0}};
    starve(refused_by(nobody, code::invalid_host));
    client_config no_authority = secure_config();
    no_authority.tls.cadata = "no certificate";
    starve(refused_by(no_authority, code::tls));
}

INSTANTIATE_TEST_SUITE_P(in_a_row, starved_client, testing::Values(1u, 1000u));

TEST_P(starved_client, get) {
    const key which = key_of(3, "starved");
    starve([&] { return trouble_of(client_.get(which, patient<read_policy>())); }, [&] { expect_service(); });
}

TEST_P(starved_client, put_says_whether_it_may_have_happened) {
    const key which = key_of(1000, "starved");
    int64_t turn = 0;
    bool surely_not_written = false;
    starve(
        [&] {
            const result<void> put = client_.put(which, numbered(++turn), patient_write());
            surely_not_written = !put && !put.error().in_doubt;
            return trouble_of(put);
        },
        [&] {
            expect_service();
            const auto now = client_.get(which, patient<read_policy>());
            const bool written = now && now->bins == numbered(turn);
            ASSERT_FALSE(surely_not_written && written);
        });
}

TEST_P(starved_client, batch_read) {
    const std::vector<key> all = keys();
    starve([&] { return trouble_of(client_.batch_read(all, patient<batch_policy>())); }, [&] { expect_service(); });
}

TEST_P(starved_client, info) {
    starve([&] { return trouble_of(client_.info("build", client::info_target::every_node)); },
           [&] { expect_service(); });
}

// Every connection that was opened is at rest again or closed: with none left over, a limit of one per node is enough.
TEST_P(starved_client, slots_are_given_back) {
    client_config narrow = plain_config();
    narrow.connections_per_node_max = 1;
    client single = opened(narrow);
    const std::vector<key> all = keys();
    starve([&] { return trouble_of(single.batch_read(all, patient<batch_policy>())); },
           [&] {
               const auto rows = single.batch_read(all, patient<batch_policy>());
               ASSERT_TRUE(rows) << rows.error().text;
           });
}

// ---------------------------------------------------------------- what a config or a policy asks for

// A first and a second replica are asked, for neither answers in time.
class starved_hedger : public starved_client {
  protected:
    starved_hedger() : starved_client(hedging_config()) {}
    void starve_hedged(const std::function<trouble()>& use) {
        const uint64_t before = metrics::count_of(metrics::event::hedge_sent);
        starve(
            [&] {
                beside().nap();
                return use();
            },
            [&] { expect_service(); });
        EXPECT_GT(metrics::count_of(metrics::event::hedge_sent), before);
    }
};
INSTANTIATE_TEST_SUITE_P(in_a_row, starved_hedger, testing::Values(1u, 1000u));

TEST_P(starved_hedger, get) {
    const key which = key_of(3, "starved");
    starve_hedged([&] { return trouble_of(client_.get(which, patient<read_policy>())); });
}

TEST_P(starved_hedger, batch_read) {
    const std::vector<key> all = keys();
    starve_hedged([&] { return trouble_of(client_.batch_read(all, patient<batch_policy>())); });
}

// The limit is new with each client: it probes with two requests at once.
TEST_P(out_of_memory, calls_within_a_limit_that_adapts) {
    client_config how = plain_config();
    how.adaptive_concurrency = true;
    client limited = opened(how);
    ASSERT_TRUE(fill(limited, 60, "starved"));
    std::vector<key> all;
    for (int64_t i = 0; i < 60; ++i) all.push_back(key_of(i, "starved"));
    const auto use = [&] { return trouble_of(limited.batch_read(all, patient<batch_policy>())); };
    starve(use, [&] { expect_none(use()); });
}

class starved_packer : public starved_client {
  protected:
    template <class Policy>
    static Policy packed(Policy policy) {
        policy.compress = true;
        return policy;
    }
    static bins long_bins(int64_t n) {
        const memory_at_ease now;
        return {{"n", n}, {"long", std::string(20'000, 'a')}};
    }
    const key long_ = key_of(2000, "starved");
};
INSTANTIATE_TEST_SUITE_P(in_a_row, starved_packer, testing::Values(1u, 1000u));

TEST_P(starved_packer, put_and_get) {
    int64_t turn = 0;
    starve([&] { return trouble_of(client_.put(long_, long_bins(++turn), packed(patient_write()))); },
           [&] { expect_service(); });
    const auto get = [&] { return client_.get(long_, packed(patient<read_policy>())); };
    starve([&] { return trouble_of(get()); },
           [&] {
               const auto got = get();
               ASSERT_TRUE(got) << got.error().text;
               ASSERT_EQ(got->bins, long_bins(turn));
           });
}

TEST_P(starved_packer, batch_read) {
    const std::vector<key> all = keys();
    starve([&] { return trouble_of(client_.batch_read(all, packed(patient<batch_policy>()))); },
           [&] { expect_service(); });
}

// No connection is young enough to be used again, so that each call has a handshake and shows what a login earned.
TEST_P(out_of_memory, a_call_over_a_new_connection) {
    for (client_config how : {secure_config(), guarded_config(), locked_config(), login_only_config()}) {
        how.idle_timeout_s = 0;
        client fresh = opened(how);
        ASSERT_TRUE(fill(fresh, 1, "starved"));
        const key which = key_of(0, "starved");
        const auto use = [&] { return trouble_of(fresh.get(which, patient<read_policy>())); };
        starve(use, [&] { expect_none(use()); });
    }
}

TEST_P(out_of_memory, users_and_roles) {
    client manager = opened(locked_config());
    const std::vector<std::string> roles{"read"};
    for (const admin_request& asked :
         {admin_request{.what = admin_verb::query_users}, admin_request{.what = admin_verb::query_roles},
          admin_request{.what = admin_verb::grant_roles, .name = beside().other, .roles = roles}}) {
        const auto use = [&] { return trouble_of(manager.execute(asked, 20'000)); };
        starve(use, [&] { expect_none(use()); });
    }
}

TEST(freed_memory_watch, finds_what_is_left_behind_and_not_what_is_wiped) {
    const std::string secret_text = "nobody may find this";
    const freed_memory_watch watch(secret_text);
    {
        buffer wiped;
        wiped.append(secret_text);
        wipe(wiped.data(), wiped.size());
    }
    EXPECT_EQ(watch.found(), 0u);
    {
        buffer left;
        left.append(secret_text);
        auto too = std::make_unique<std::array<char, 64>>();
        std::ranges::copy(secret_text, too->begin());
    }
    EXPECT_EQ(watch.found(), 2u);
}

// A server takes no password that it has already, so that each one is new. Whatever fails, no hash is left in memory.
TEST_P(out_of_memory, passwords) {
    client manager = opened(locked_config());
    int turn = 0;
    const secret clear("new"), made(wire::password_hash(clear.view()));
    const std::string_view beyond_the_salt = made.view().substr(30, 20);
    const freed_memory_watch watch(beyond_the_salt);
    const auto next_hash = [&] {
        const memory_at_ease now;
        std::string text(made.view());
        const std::string number = std::to_string(++turn);
        return secret(text.replace(text.size() - number.size(), number.size(), number));
    };
    const auto use = [&] {
        const secret hash = next_hash();
        return trouble_of(manager.execute(
            {.what = admin_verb::change_password, .name = beside().other, .password = &clear, .password_hash = &hash},
            20'000));
    };
    starve(use, [&] { expect_none(use()); });
    EXPECT_EQ(watch.found(), 0u);
}

}  // namespace
}  // namespace aero::test
