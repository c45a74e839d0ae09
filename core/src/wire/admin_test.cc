#include "wire/admin.h"

#include <gtest/gtest.h>

#include <list>
#include <vector>

#include "testing/hex.h"
#include "wire/message.h"

namespace aero::wire {
namespace {

// Messages are views: the bytes live as long as the test.
byte_view kept(std::string_view text) {
    static std::list<std::vector<uint8_t>> all;
    return all.emplace_back(tests::from_hex(text));
}

byte_view body_of(const buffer& framed) { return framed.view().subspan(frame_header_size); }

TEST(admin, writes_a_login_as_the_protocol_has_it) {
    buffer message;
    admin_writer(message, admin_command::login)
        .field(admin_field::user, "u")
        .field(admin_field::credential, "h")
        .finish();
    EXPECT_EQ(tests::to_hex(message.view()),
              "020200000000001c"
              "00001402000000000000000000000000"
              "000000020075"
              "000000020368");
}

TEST(admin, reads_what_a_community_server_answers) {
    const auto reply = decode_admin(kept("00330000000000000000000000000000"));
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->result, code::security_not_supported);
    EXPECT_FALSE(reply->text(admin_field::session_token).has_value());
    EXPECT_FALSE(session_of(*reply).has_value());
}

TEST(admin, reads_back_a_session) {
    buffer message;
    admin_writer(message, admin_command::login)
        .field(admin_field::session_token, std::string_view("a\0b", 3))
        .field(admin_field::session_ttl, 86400u)
        .finish();
    const auto reply = decode_admin(body_of(message));
    ASSERT_TRUE(reply.has_value());
    const auto session = session_of(*reply);
    ASSERT_TRUE(session.has_value());
    EXPECT_EQ(session->token.view(), std::string_view("a\0b", 3));
    EXPECT_EQ(session->ttl_s, 86400u);
}

TEST(admin, refuses_what_does_not_add_up) {
    buffer message;
    admin_writer(message, admin_command::authenticate).field(admin_field::user, "somebody").finish();
    const byte_view whole = body_of(message);
    for (size_t cut = 0; cut < whole.size(); ++cut) EXPECT_FALSE(decode_admin(whole.first(cut)).has_value()) << cut;
    buffer more;
    more.append(whole);
    more.append_u8(0);
    EXPECT_FALSE(decode_admin(more.view()).has_value());
    EXPECT_TRUE(decode_admin(whole).has_value());
    EXPECT_FALSE(decode_admin(kept("00000001000000000000000000000000"
                                   "0000000005"))
                     .has_value());
    const auto odd_ttl =
        decode_admin(kept("00000002000000000000000000000000"
                          "000000020541"
                          "000000020600"));
    ASSERT_TRUE(odd_ttl.has_value());
    EXPECT_FALSE(session_of(*odd_ttl).has_value());
}

TEST(admin, passes_over_fields_it_does_not_know) {
    const auto reply =
        decode_admin(kept("00000002000000000000000000000000"
                          "00000002ff41"
                          "000000020542"));
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->text(admin_field::session_token), "B");
}

}  // namespace
}  // namespace aero::wire
