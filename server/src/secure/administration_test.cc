#include "secure/administration.h"

#include <gtest/gtest.h>

#include "wire/admin_lists.h"
#include "wire/message.h"
#include "wire/password_hash.h"

namespace aero_server {
namespace {

namespace wire = aero::wire;
using aero::buffer;
using aero::code;
using wire::admin_command;
using wire::admin_field;

const std::string some_hash(wire::password_hash("some").view());

class Administration : public ::testing::Test {
  protected:
    Administration() {
        EXPECT_EQ(users_.take({{.name = "root", .password = aero::secret("r"), .roles = {"user-admin"}},
                               {.name = "ada", .password = aero::secret("a"), .roles = {"read", "write"}}}),
                  "");
    }
    // Answers the messages that `ask` holds, one after another; gives what came last.
    buffer answer(const buffer& ask, std::string_view by = "root") {
        const auto asked = wire::decode_admin(ask.view().subspan(wire::frame_header_size));
        EXPECT_TRUE(asked.has_value());
        buffer to;
        administer(users_, logins_, *users_.find(by), *asked, to);
        return to;
    }
    code verdict(const buffer& ask, std::string_view by = "root") {
        const buffer reply = answer(ask, by);
        EXPECT_EQ(reply.size(), 24u);
        return static_cast<code>(reply.data()[9]);
    }
    // The records of a list, and the result that ends it.
    static std::vector<wire::admin_message> records(const buffer& reply, code& end, size_t* messages = nullptr) {
        std::vector<wire::admin_message> found;
        aero::reader from(reply.view());
        while (!from.at_end()) {
            const auto header = wire::decode_frame_header(from.take(wire::frame_header_size).data());
            EXPECT_TRUE(header && header->type == wire::frame_type::admin);
            aero::reader body(from.take(header->body_size));
            if (messages != nullptr) ++*messages;
            while (!body.at_end()) {
                const auto record = wire::take_admin(body);
                EXPECT_TRUE(record.has_value());
                end = record->result;
                if (end == code::ok) found.push_back(*record);
            }
        }
        return found;
    }
    users users_;
    sessions logins_;
};

buffer asking(admin_command what, std::string_view user = {}) {
    buffer made;
    wire::admin_writer to(made, what);
    if (!user.empty()) to.field(admin_field::user, user);
    to.finish();
    return made;
}

TEST_F(Administration, an_administrator_makes_a_user_with_roles) {
    buffer roles, ask;
    wire::append_roles(roles, std::vector<std::string>{"read"});
    wire::admin_writer(ask, admin_command::create_user)
        .field(admin_field::user, "eve")
        .field(admin_field::password, some_hash)
        .field(admin_field::roles, roles.view())
        .finish();
    EXPECT_EQ(verdict(ask, "ada"), code::role_violation);
    EXPECT_EQ(verdict(ask), code::ok);
    EXPECT_EQ(verdict(ask), code::user_exists);
    EXPECT_EQ(users_.find("eve")->hash.view(), some_hash);
    EXPECT_EQ(verdict(asking(admin_command::drop_user, "eve")), code::ok);
    EXPECT_EQ(verdict(asking(admin_command::drop_user, "eve")), code::invalid_user);
}

TEST_F(Administration, everybody_may_change_his_own_password_and_look_at_himself) {
    const auto change = [](std::string_view user, std::string_view old) {
        buffer made;
        wire::admin_writer(made, admin_command::change_password)
            .field(admin_field::user, user)
            .field(admin_field::old_password, old)
            .field(admin_field::password, some_hash)
            .finish();
        return made;
    };
    const std::string old(users_.find("ada")->hash.view());
    EXPECT_EQ(verdict(change("ada", old), "root"), code::role_violation);  // he has to set it by right
    EXPECT_EQ(verdict(change("ada", some_hash), "ada"), code::invalid_password);
    EXPECT_EQ(verdict(change("ada", old), "ada"), code::ok);
    EXPECT_EQ(users_.find("ada")->hash.view(), some_hash);
    code end{};
    EXPECT_EQ(records(answer(asking(admin_command::query_users, "ada"), "ada"), end).size(), 1u);
    EXPECT_EQ(end, code::query_end);
    EXPECT_EQ(verdict(asking(admin_command::query_users, "root"), "ada"), code::role_violation);
    EXPECT_EQ(verdict(asking(admin_command::query_users), "ada"), code::role_violation);
    EXPECT_EQ(verdict(asking(admin_command::query_roles), "ada"), code::role_violation);
}

TEST_F(Administration, a_user_is_told_with_roles_connections_and_quotas) {
    ASSERT_EQ(users_.create_role({.name = "slow", .read_quota = 100}), code::ok);
    ASSERT_EQ(users_.grant_roles("ada", {"slow"}), code::ok);
    logins_.came(users_.find("ada")->id);
    code end{};
    const buffer reply = answer(asking(admin_command::query_users, "ada"));
    const auto found = records(reply, end);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(wire::user_of(found[0]), (aero::user_info{.name = "ada",
                                                        .roles = {"read", "write", "slow"},
                                                        .connections = 1,
                                                        .reads = {100, 0, 0, 0},
                                                        .writes = {}}));
    EXPECT_EQ(verdict(asking(admin_command::query_users, "nobody")), code::invalid_user);
}

TEST_F(Administration, a_long_list_takes_several_messages) {
    for (int i = 0; i < 100; ++i) ASSERT_EQ(users_.create_user("u" + std::to_string(i), some_hash, {}), code::ok);
    code end{};
    size_t messages = 0;
    EXPECT_EQ(records(answer(asking(admin_command::query_users)), end, &messages).size(), 102u);
    EXPECT_EQ(end, code::query_end);
    EXPECT_EQ(messages, 5u);  // four of records, and the end
}

TEST_F(Administration, a_role_is_made_changed_and_told) {
    const aero::role_info wanted{.name = "r",
                                 .privileges = {{.what = aero::privilege_code::read, .name_space = "test"}},
                                 .allowlist = {"127.0.0.1", "::1"},
                                 .read_quota = 1,
                                 .write_quota = 2};
    buffer privileges, ask;
    wire::append_privileges(privileges, wanted.privileges);
    wire::admin_writer(ask, admin_command::create_role)
        .field(admin_field::role, "r")
        .field(admin_field::privileges, privileges.view())
        .field(admin_field::allowlist, "127.0.0.1,::1")
        .field(admin_field::read_quota, 1u)
        .field(admin_field::write_quota, 2u)
        .finish();
    EXPECT_EQ(verdict(ask), code::ok);
    buffer question;
    wire::admin_writer(question, admin_command::query_roles).field(admin_field::role, "r").finish();
    code end{};
    const buffer reply = answer(question);
    const auto found = records(reply, end);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(wire::role_of(found[0]), wanted);
    EXPECT_EQ(records(answer(asking(admin_command::query_roles)), end).size(), predefined_roles.size() + 1);
    EXPECT_EQ(verdict(asking(admin_command::drop_role)), code::invalid_role);
}

TEST_F(Administration, what_cannot_be_read_is_refused) {
    buffer ask;
    wire::admin_writer(ask, admin_command::grant_roles)
        .field(admin_field::user, "ada")
        .field(admin_field::roles, std::string_view("\x05x"))
        .finish();
    EXPECT_EQ(verdict(ask), code::security_field);
    EXPECT_EQ(verdict(asking(static_cast<admin_command>(99))), code::security_command);
}

}  // namespace
}  // namespace aero_server
