#include "secure/users.h"

#include <gtest/gtest.h>

#include "wire/password_hash.h"

namespace aero_server {
namespace {

using aero::code;
using aero::privilege_code;
using names = std::vector<std::string>;

const std::string some_hash(aero::wire::password_hash("some").view());
const std::string other_hash(aero::wire::password_hash("other").view());

class Users : public ::testing::Test {
  protected:
    Users() {
        EXPECT_EQ(users_.take({{.name = "root", .password = aero::secret("r"), .roles = {"user-admin"}}}), "");
        EXPECT_EQ(users_.create_user("ada", some_hash, {"read"}), code::ok);
    }
    bool may(std::string_view who, rights what, std::string_view name_space = "test", std::string_view set = "s") {
        return users_.find(who)->may.allows(what, name_space, set);
    }
    users users_;
};

TEST_F(Users, a_user_has_what_his_roles_give) {
    EXPECT_TRUE(may("ada", right::read));
    EXPECT_FALSE(may("ada", right::write));
    EXPECT_EQ(users_.grant_roles("ada", {"write", "read"}), code::ok);
    EXPECT_EQ(users_.find("ada")->roles, (names{"read", "write"}));
    EXPECT_TRUE(may("ada", right::read | right::write));
    EXPECT_EQ(users_.revoke_roles("ada", {"read", "truncate"}), code::ok);
    EXPECT_FALSE(may("ada", right::read));
    EXPECT_EQ(users_.grant_roles("ada", {"nothing"}), code::invalid_role);
    EXPECT_EQ(users_.grant_roles("eve", {"read"}), code::invalid_user);
}

TEST_F(Users, a_privilege_holds_where_it_was_given) {
    EXPECT_EQ(users_.create_role({.name = "r",
                                  .privileges = {{.what = privilege_code::read, .name_space = "test"},
                                                 {.what = privilege_code::write, .name_space = "test", .set = "s"}}}),
              code::ok);
    EXPECT_EQ(users_.create_user("eve", some_hash, {"r"}), code::ok);
    EXPECT_TRUE(may("eve", right::read, "test", "any"));
    EXPECT_TRUE(may("eve", right::read | right::write, "test", "s"));
    EXPECT_FALSE(may("eve", right::write, "test", "any"));
    EXPECT_FALSE(may("eve", right::write, "test", ""));
    EXPECT_FALSE(may("eve", right::read, "bar", "s"));
    EXPECT_FALSE(may("eve", right::read, "", ""));
    EXPECT_EQ(users_.revoke_privileges("r", {{.what = privilege_code::read, .name_space = "test"}}), code::ok);
    EXPECT_FALSE(may("eve", right::read, "test", "any"));
    EXPECT_EQ(users_.grant_privileges("r", {{.what = privilege_code::read_write}}), code::ok);
    EXPECT_TRUE(may("eve", right::write, "bar", ""));
    EXPECT_EQ(users_.drop_role("r"), code::ok);
    EXPECT_FALSE(may("eve", right::read));
    EXPECT_EQ(users_.find("eve")->roles, names());
}

TEST_F(Users, passwords_change_by_right_or_by_the_old_one) {
    EXPECT_EQ(users_.change_password("ada", other_hash, other_hash), code::invalid_password);
    EXPECT_EQ(users_.change_password("ada", some_hash, some_hash), code::forbidden_password);
    EXPECT_EQ(users_.change_password("ada", some_hash, other_hash), code::ok);
    EXPECT_EQ(users_.find("ada")->hash.view(), other_hash);
    EXPECT_EQ(users_.set_password("ada", "no hash"), code::invalid_password);
    EXPECT_EQ(users_.set_password("ada", some_hash), code::ok);
    EXPECT_EQ(users_.set_password("eve", some_hash), code::invalid_user);
}

TEST_F(Users, what_cannot_be_has_a_code_of_its_own) {
    EXPECT_EQ(users_.create_user("ada", some_hash, {}), code::user_exists);
    EXPECT_EQ(users_.create_user("", some_hash, {}), code::invalid_user);
    EXPECT_EQ(users_.create_user(std::string(64, 'u'), some_hash, {}), code::invalid_user);
    EXPECT_EQ(users_.create_user("eve", "", {}), code::invalid_password);
    EXPECT_EQ(users_.create_user("eve", some_hash, {"nothing"}), code::invalid_role);
    EXPECT_EQ(users_.drop_user("eve"), code::invalid_user);
    EXPECT_EQ(users_.create_role({.name = "read"}), code::role_exists);
    EXPECT_EQ(users_.create_role({.name = ""}), code::invalid_role);
    EXPECT_EQ(users_.create_role({.name = "r", .privileges = {{.what = privilege_code(7)}}}), code::invalid_privilege);
    EXPECT_EQ(users_.create_role({.name = "r", .privileges = {{.set = "s"}}}), code::invalid_privilege);
    EXPECT_EQ(users_.create_role({.name = "r", .allowlist = {"10.0.0.0/33"}}), code::invalid_allowlist);
    for (const std::string_view role : {"read", "nothing"}) {
        EXPECT_EQ(users_.drop_role(role), code::invalid_role);
        EXPECT_EQ(users_.grant_privileges(role, {}), code::invalid_role);
        EXPECT_EQ(users_.revoke_privileges(role, {}), code::invalid_role);
        EXPECT_EQ(users_.set_allowlist(role, {}), code::invalid_role);
        EXPECT_EQ(users_.set_quotas(role, 1, 1), code::invalid_role);
    }
}

TEST_F(Users, a_user_who_is_made_again_is_another) {
    const uint64_t before = users_.find("ada")->id;
    EXPECT_EQ(users_.find(before)->name, "ada");
    const uint64_t version = users_.version();
    EXPECT_EQ(users_.drop_user("ada"), code::ok);
    EXPECT_EQ(users_.create_user("ada", some_hash, {}), code::ok);
    EXPECT_NE(users_.find("ada")->id, before);
    EXPECT_EQ(users_.find(before), nullptr);
    EXPECT_GT(users_.version(), version);
}

TEST_F(Users, allowlists_and_quotas_come_from_roles) {
    EXPECT_EQ(users_.create_role({.name = "r", .allowlist = {"10.0.0.0/8"}, .read_quota = 5}), code::ok);
    EXPECT_EQ(users_.grant_roles("ada", {"r"}), code::ok);
    EXPECT_TRUE(users_.find("ada")->may_come_from(*ip_address_of("10.1.2.3")));
    EXPECT_FALSE(users_.find("ada")->may_come_from(*ip_address_of("11.1.2.3")));
    EXPECT_EQ(users_.find("ada")->read_quota, 5u);
    EXPECT_EQ(users_.set_quotas("r", std::nullopt, 9), code::ok);
    EXPECT_EQ(users_.find("ada")->read_quota, 5u);
    EXPECT_EQ(users_.find("ada")->write_quota, 9u);
    EXPECT_EQ(users_.set_allowlist("r", {"nowhere"}), code::invalid_allowlist);
    EXPECT_EQ(users_.set_allowlist("r", {}), code::ok);
    EXPECT_TRUE(users_.find("ada")->may_come_from(*ip_address_of("11.1.2.3")));
}

TEST(AddressBlock, holds_what_begins_like_it) {
    const auto holds = [](const char* block, const char* address) {
        return address_block::of(block)->holds(*ip_address_of(address));
    };
    EXPECT_TRUE(holds("10.1.2.3", "10.1.2.3"));
    EXPECT_FALSE(holds("10.1.2.3", "10.1.2.4"));
    EXPECT_TRUE(holds("10.1.2.0/23", "10.1.3.255"));
    EXPECT_FALSE(holds("10.1.2.0/23", "10.1.4.0"));
    EXPECT_TRUE(holds("0.0.0.0/0", "255.1.1.1"));
    EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
    EXPECT_TRUE(holds("::/0", "1.2.3.4"));
    EXPECT_TRUE(holds("fd00::/8", "fdff::1"));
    EXPECT_FALSE(holds("fd00::/8", "fe00::1"));
    for (const char* wrong : {"", "/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/33", "::1/129", "host", "10.0.0.0/8x"})
        EXPECT_FALSE(address_block::of(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace aero_server
