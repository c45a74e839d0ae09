#include "wire/admin_lists.h"

#include <gtest/gtest.h>

#include "testing/hex.h"
#include "wire/message.h"

namespace aero::wire {
namespace {

using names = std::vector<std::string>;

std::string hex_of(const buffer& bytes) { return tests::to_hex(bytes.view()); }

TEST(admin_lists, roles_are_written_as_the_protocol_has_them) {
    buffer list;
    append_roles(list, names{"read", "my-role"});
    EXPECT_EQ(hex_of(list),
              "02"
              "0472656164"
              "076d792d726f6c65");
    EXPECT_EQ(decode_roles(list.view()), (names{"read", "my-role"}));
}

TEST(admin_lists, only_privileges_with_a_scope_carry_one) {
    const std::vector<privilege> given{{.what = privilege_code::user_admin},
                                       {.what = privilege_code::read},
                                       {.what = privilege_code::write, .name_space = "test"},
                                       {.what = privilege_code::truncate, .name_space = "test", .set = "us"}};
    buffer list;
    append_privileges(list, given);
    EXPECT_EQ(hex_of(list),
              "04"
              "00"
              "0a0000"
              "0d047465737400"
              "0e0474657374027573");
    EXPECT_EQ(decode_privileges(list.view()), given);
}

TEST(admin_lists, numbers_and_allowlists) {
    buffer list;
    append_numbers(list, std::vector<uint32_t>{100, 7});
    EXPECT_EQ(hex_of(list),
              "02"
              "00000064"
              "00000007");
    EXPECT_EQ(decode_numbers(list.view()), (std::vector<uint32_t>{100, 7}));
    EXPECT_EQ(join_allowlist(names{"10.0.0.0/8", "::1"}), "10.0.0.0/8,::1");
    EXPECT_EQ(split_allowlist("10.0.0.0/8,::1"), (names{"10.0.0.0/8", "::1"}));
    EXPECT_EQ(split_allowlist(",,a,"), names{"a"});
    EXPECT_EQ(split_allowlist(""), names());
}

TEST(admin_lists, lists_that_do_not_fill_their_field_are_refused) {
    buffer roles, privileges, numbers;
    append_roles(roles, names{"read", "write"});
    append_privileges(privileges, std::vector<privilege>{{.name_space = "test", .set = "s"}});
    append_numbers(numbers, std::vector<uint32_t>{1, 2});
    for (size_t cut = 0; cut < roles.size(); ++cut)
        EXPECT_FALSE(decode_roles(roles.view().first(cut)).has_value()) << cut;
    for (size_t cut = 0; cut < privileges.size(); ++cut)
        EXPECT_FALSE(decode_privileges(privileges.view().first(cut)).has_value()) << cut;
    for (size_t cut = 0; cut < numbers.size(); ++cut)
        EXPECT_FALSE(decode_numbers(numbers.view().first(cut)).has_value()) << cut;
    for (buffer* each : {&roles, &privileges, &numbers}) each->append_u8(0);
    EXPECT_FALSE(decode_roles(roles.view()).has_value());
    EXPECT_FALSE(decode_privileges(privileges.view()).has_value());
    EXPECT_FALSE(decode_numbers(numbers.view()).has_value());
}

// A header as in an answer to a query, and the fields of a user as the tables of the protocol have them.
TEST(admin_lists, a_user_is_read_with_all_that_is_told_of_him) {
    const auto bytes = tests::from_hex(
        "00000005000000000000000000000000"
        "00000004"
        "00"
        "616461"
        "0000000a"
        "0a"
        "01"
        "0772656164696e67"
        "00000012"
        "10"
        "04"
        "00000064000000010000000200000003"
        "00000002"
        "11"
        "00"
        "00000005"
        "12"
        "00000009");
    const auto message = decode_admin(bytes);
    ASSERT_TRUE(message.has_value());
    EXPECT_EQ(
        user_of(*message),
        (user_info{.name = "ada", .roles = {"reading"}, .connections = 9, .reads = {100, 1, 2, 3}, .writes = {}}));
    EXPECT_FALSE(role_of(*message).has_value());
}

TEST(admin_lists, a_role_is_read_with_all_that_is_told_of_it) {
    const auto bytes = tests::from_hex(
        "00000005000000000000000000000000"
        "00000002"
        "0b"
        "72"
        "0000000a"
        "0c"
        "02"
        "01"
        "0a"
        "0474657374"
        "00"
        "0000000c"
        "0d"
        "3a3a312c312e322e332e34"
        "00000005"
        "0e"
        "00000005"
        "00000005"
        "0f"
        "00000006");
    const auto message = decode_admin(bytes);
    ASSERT_TRUE(message.has_value());
    EXPECT_EQ(role_of(*message), (role_info{.name = "r",
                                            .privileges = {{.what = privilege_code::sys_admin}, {.name_space = "test"}},
                                            .allowlist = {"::1", "1.2.3.4"},
                                            .read_quota = 5,
                                            .write_quota = 6}));
    EXPECT_FALSE(user_of(*message).has_value());
}

TEST(admin_lists, records_stand_one_after_another) {
    buffer whole;
    for (const std::string_view name : {"a", "b"}) admin_writer(whole, {}).field(admin_field::user, name).finish();
    buffer body;  // two messages in one
    body.append(whole.view().subspan(frame_header_size, admin_header_size + 6));
    body.append(whole.view().subspan(2 * frame_header_size + admin_header_size + 6));
    reader from(body.view());
    EXPECT_EQ(take_admin(from)->text(admin_field::user), "a");
    EXPECT_EQ(take_admin(from)->text(admin_field::user), "b");
    EXPECT_TRUE(from.at_end());
    EXPECT_FALSE(take_admin(from).has_value());
}

}  // namespace
}  // namespace aero::wire
