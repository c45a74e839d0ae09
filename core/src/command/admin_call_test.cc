#include "command/admin_call.h"

#include <gtest/gtest.h>

#include "aero/config.h"
#include "command/machine_fixture.h"
#include "testing/hex.h"
#include "wire/password_hash.h"

namespace aero::command {
namespace {

using namespace testing;
using wire::admin_field;

constexpr std::string_view hash_text = "the hash of it";

// Who logs in as `user` with the password "old".
std::shared_ptr<const cluster::security> us(std::string user) {
    client_config config;
    config.user = std::move(user);
    config.password = secret("old");
    return *cluster::security::make(config);
}

// A reply as a server without anything to tell sends it.
buffer verdict(code what) {
    buffer made;
    wire::admin_writer(made, {}, what).finish();
    return made;
}

// The message that a request makes, without its frame.
std::string sent_for(const admin_request& request, const cluster::security* by = nullptr) {
    const auto view = view_of(1, 1);
    admin_call call;
    call.prepare(request, 1000, by);
    call.start(view, 0);
    const auto attempt = call.next_launch();
    if (attempt == nullptr) return "nothing";
    const byte_view output = attempt->resume({.what = event::kind::start}, 0).output;
    EXPECT_EQ(wire::decode_frame_header(output.data())->type, wire::frame_type::admin);
    call.abandon(code::cancelled, "over", 0);
    return tests::to_hex(output.subspan(wire::frame_header_size));
}

std::string header(uint8_t command, uint8_t fields) {
    const uint8_t bytes[] = {0, 0, command, fields};
    return tests::to_hex(bytes) + std::string(24, '0');
}
std::string field(uint8_t id, std::string_view data) {
    buffer made;
    made.append_be(static_cast<uint32_t>(data.size() + 1));
    made.append_u8(id);
    made.append(data);
    return tests::to_hex(made.view());
}

TEST(admin_call, writes_what_is_asked_of_users_as_the_protocol_has_it) {
    const secret password("new"), hash(hash_text);
    const std::vector<std::string> roles{"read", "r2"};
    const auto list = std::string("\x02\x04read\x02r2");
    EXPECT_EQ(sent_for({.what = admin_verb::create_user,
                        .name = "ada",
                        .password = &password,
                        .password_hash = &hash,
                        .roles = roles}),
              header(1, 3) + field(0, "ada") + field(1, hash_text) + field(10, list));
    EXPECT_EQ(sent_for({.what = admin_verb::drop_user, .name = "ada"}), header(2, 1) + field(0, "ada"));
    EXPECT_EQ(sent_for({.what = admin_verb::grant_roles, .name = "ada", .roles = roles}),
              header(5, 2) + field(0, "ada") + field(10, list));
    EXPECT_EQ(sent_for({.what = admin_verb::revoke_roles, .name = "ada", .roles = roles}),
              header(6, 2) + field(0, "ada") + field(10, list));
    EXPECT_EQ(sent_for({.what = admin_verb::query_users, .name = "ada"}), header(9, 1) + field(0, "ada"));
    EXPECT_EQ(sent_for({.what = admin_verb::query_users}), header(9, 0));
}

TEST(admin_call, writes_what_is_asked_of_roles_as_the_protocol_has_it) {
    const std::vector<privilege> privileges{{.what = privilege_code::read, .name_space = "test"}};
    const std::string list("\x01\x0a\x04test\x00", 8);
    const std::vector<std::string> from{"10.0.0.0/8", "::1"};
    EXPECT_EQ(sent_for({.what = admin_verb::create_role, .name = "r"}), header(10, 1) + field(11, "r"));
    EXPECT_EQ(sent_for({.what = admin_verb::create_role,
                        .name = "r",
                        .privileges = privileges,
                        .allowlist = from,
                        .read_quota = 7,
                        .write_quota = 8}),
              header(10, 5) + field(11, "r") + field(12, list) + field(13, "10.0.0.0/8,::1") +
                  field(14, std::string_view("\0\0\0\7", 4)) + field(15, std::string_view("\0\0\0\10", 4)));
    EXPECT_EQ(sent_for({.what = admin_verb::drop_role, .name = "r"}), header(11, 1) + field(11, "r"));
    EXPECT_EQ(sent_for({.what = admin_verb::grant_privileges, .name = "r", .privileges = privileges}),
              header(12, 2) + field(11, "r") + field(12, list));
    EXPECT_EQ(sent_for({.what = admin_verb::revoke_privileges, .name = "r", .privileges = privileges}),
              header(13, 2) + field(11, "r") + field(12, list));
    EXPECT_EQ(sent_for({.what = admin_verb::set_allowlist, .name = "r", .allowlist = from}),
              header(14, 2) + field(11, "r") + field(13, "10.0.0.0/8,::1"));
    EXPECT_EQ(sent_for({.what = admin_verb::set_allowlist, .name = "r"}), header(14, 1) + field(11, "r"));
    EXPECT_EQ(sent_for({.what = admin_verb::set_quotas, .name = "r", .write_quota = 8}),
              header(15, 3) + field(11, "r") + field(14, std::string_view("\0\0\0\0", 4)) +
                  field(15, std::string_view("\0\0\0\10", 4)));
    EXPECT_EQ(sent_for({.what = admin_verb::query_roles}), header(16, 0));
}

TEST(admin_call, the_own_password_changes_by_the_old_one_and_serves_from_then_on) {
    const secret password("new"), hash(hash_text);
    const admin_request request{
        .what = admin_verb::change_password, .name = "ada", .password = &password, .password_hash = &hash};
    const auto ada = us("ada"), eve = us("eve");
    const std::string old(ada->who()->hash.view());
    EXPECT_EQ(old, wire::password_hash("old").view());
    EXPECT_EQ(sent_for(request, ada.get()), header(4, 3) + field(0, "ada") + field(2, old) + field(1, hash_text));
    EXPECT_EQ(sent_for(request, eve.get()), header(3, 2) + field(0, "ada") + field(1, hash_text));
    EXPECT_EQ(sent_for(request), header(3, 2) + field(0, "ada") + field(1, hash_text));
    EXPECT_EQ(ada->who()->hash.view(), old);

    for (const code end : {code::invalid_password, code::ok}) {
        admin_call call;
        call.prepare(request, 1000, ada.get());
        const auto seen = view_of(1, 1);
        call.start(seen, 0);
        auto attempt = call.next_launch();
        answer(*attempt, verdict(end).view(), ms, 5);
        call.finished(std::move(attempt), seen, ms);
        ASSERT_TRUE(call.done());
        EXPECT_EQ(call.failure() == nullptr, end == code::ok);
        EXPECT_EQ(ada->who()->hash.view(), end == code::ok ? hash_text : old);
        EXPECT_TRUE(ada->who()->clear.empty());  // an internal login never needs it
    }
}

TEST(admin_call, a_list_comes_in_messages_of_any_size) {
    buffer records;
    for (const std::string_view name : {"ada", "eve", "bob"})
        wire::admin_writer(records, {}).field(admin_field::user, name).field(admin_field::connections, 2u).finish();
    wire::admin_writer(records, {}, code::query_end).finish();
    for (const size_t step : {size_t{1}, size_t{7}, size_t{4096}}) {
        admin_call call;
        call.prepare({.what = admin_verb::query_users}, 1000, nullptr);
        const auto seen = view_of(3, 1);
        call.start(seen, 0);
        auto attempt = call.next_launch();
        answer(*attempt, records.view(), ms, step);
        ASSERT_TRUE(attempt->connection_reusable());
        call.finished(std::move(attempt), seen, ms);
        ASSERT_TRUE(call.done());
        ASSERT_EQ(call.failure(), nullptr);
        const auto users = call.take_reply().users;
        ASSERT_EQ(users.size(), 3u);
        EXPECT_EQ(users[1], (user_info{.name = "eve", .connections = 2}));
    }
}

TEST(admin_call, a_refusal_ends_the_call_with_its_code) {
    for (const code what : {code::user_exists, code::role_violation, code::security_not_supported}) {
        for (const admin_verb verb : {admin_verb::drop_user, admin_verb::query_users}) {
            admin_call call;
            call.prepare({.what = verb, .name = "ada"}, 1000, nullptr);
            const auto seen = view_of(3, 1);
            call.start(seen, 0);
            auto attempt = call.next_launch();
            answer(*attempt, verdict(what).view(), ms);
            ASSERT_TRUE(attempt->connection_reusable());
            call.finished(std::move(attempt), seen, ms);
            ASSERT_TRUE(call.done());
            ASSERT_NE(call.failure(), nullptr);
            EXPECT_EQ(call.failure()->what, what);
            EXPECT_FALSE(call.failure()->in_doubt);
            EXPECT_FALSE(call.failure()->node.empty());
        }
    }
}

TEST(admin_call, a_session_that_is_over_costs_one_attempt) {
    admin_call call;
    call.prepare({.what = admin_verb::drop_user, .name = "ada"}, 1000, nullptr);
    const auto seen = view_of(1, 1);
    call.start(seen, 0);
    auto attempt = call.next_launch();
    answer(*attempt, verdict(code::not_authenticated).view(), ms);
    EXPECT_TRUE(attempt->session_over());
    EXPECT_FALSE(attempt->connection_reusable());
    call.finished(std::move(attempt), seen, ms);
    attempt = call.next_launch();
    ASSERT_NE(attempt, nullptr);
    answer(*attempt, verdict(code::ok).view(), 2 * ms);
    call.finished(std::move(attempt), seen, 2 * ms);
    EXPECT_TRUE(call.done());
    EXPECT_EQ(call.failure(), nullptr);
}

TEST(admin_call, a_change_that_was_sent_is_in_doubt_and_a_question_is_asked_elsewhere) {
    for (const bool question : {false, true}) {
        admin_call call;
        call.prepare({.what = question ? admin_verb::query_roles : admin_verb::drop_role, .name = "r"}, 1000, nullptr);
        const auto seen = view_of(2, 1);
        call.start(seen, 0);
        auto attempt = call.next_launch();
        const auto* first = attempt->target();
        send_only(*attempt, ms);
        attempt->resume({.what = event::kind::closed}, ms);
        call.finished(std::move(attempt), seen, ms);
        EXPECT_EQ(call.done(), !question);
        if (question) {
            attempt = call.next_launch();
            ASSERT_NE(attempt, nullptr);
            EXPECT_NE(attempt->target(), first);
            call.abandon(code::cancelled, "enough", ms);
        } else {
            ASSERT_NE(call.failure(), nullptr);
            EXPECT_TRUE(call.failure()->in_doubt);
        }
    }
}

TEST(admin_call, a_change_that_could_not_be_sent_goes_to_another_node) {
    admin_call call;
    call.prepare({.what = admin_verb::drop_role, .name = "r"}, 1000, nullptr);
    const auto seen = view_of(2, 1);
    call.start(seen, 0);
    auto attempt = call.next_launch();
    const auto* first = attempt->target();
    attempt->fail(code::connection, "refused");
    call.finished(std::move(attempt), seen, ms);
    call.wake(seen, 200 * ms);
    attempt = call.next_launch();
    ASSERT_NE(attempt, nullptr);
    EXPECT_NE(attempt->target(), first);
    answer(*attempt, verdict(code::ok).view(), 201 * ms);
    call.finished(std::move(attempt), seen, 201 * ms);
    EXPECT_TRUE(call.done());
    EXPECT_EQ(call.failure(), nullptr);
}

TEST(admin_call, what_no_server_could_take_is_not_sent) {
    const secret nul(std::string_view("a\0b", 3));
    const std::vector<std::string> many(256, "r"), long_role{std::string(64, 'r')}, two_in_one{"1.2.3.4,::1"};
    const std::vector<privilege> scoped{{.what = privilege_code::sys_admin, .name_space = "test"}};
    const std::vector<privilege> set_alone{{.set = "s"}};
    const std::string long_name(64, 'u');
    for (const admin_request& request : {
             admin_request{.what = admin_verb::drop_user},
             admin_request{.what = admin_verb::drop_user, .name = long_name},
             admin_request{.what = admin_verb::create_user, .name = "ada", .password = &nul},
             admin_request{.what = admin_verb::grant_roles, .name = "ada", .roles = many},
             admin_request{.what = admin_verb::grant_roles, .name = "ada", .roles = long_role},
             admin_request{.what = admin_verb::create_role, .name = "r", .privileges = scoped},
             admin_request{.what = admin_verb::create_role, .name = "r", .privileges = set_alone},
             admin_request{.what = admin_verb::set_allowlist, .name = "r", .allowlist = two_in_one},
         }) {
        admin_call call;
        call.prepare(request, 1000, nullptr);
        call.start(view_of(1, 1), 0);
        ASSERT_TRUE(call.done());
        ASSERT_NE(call.failure(), nullptr);
        EXPECT_EQ(call.failure()->what, code::invalid_argument);
    }
}

TEST(admin_call, bytes_that_are_no_answer_end_the_attempt) {
    for (const std::string_view hex : {"0202000000000011"
                                       "0000000000000000000000000000000000",  // a byte left over
                                       "0202000000000004"
                                       "00000000",  // no header
                                       "0203000000000010"
                                       "00000000000000000000000000000000",  // no security message
                                       "0202000000000015"
                                       "00000001000000000000000000000000"
                                       "0000000900"}) {
        for (const admin_verb verb : {admin_verb::drop_user, admin_verb::query_users}) {
            const auto view = view_of(1, 1);
            admin_call call;
            call.prepare({.what = verb, .name = "ada"}, 1000, nullptr);
            call.start(view, 0);
            const auto attempt = call.next_launch();
            answer(*attempt, tests::from_hex(hex), ms);
            EXPECT_TRUE(attempt->failure() != nullptr && attempt->failure()->what == code::bad_reply) << hex;
            call.abandon(code::cancelled, "over", ms);
        }
    }
}

}  // namespace
}  // namespace aero::command
