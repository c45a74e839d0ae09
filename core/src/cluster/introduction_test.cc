#include "cluster/introduction.h"

#include <gtest/gtest.h>

#include "wire/message.h"

namespace aero::cluster {
namespace {

using verdict = io::greeting::verdict;
using way = introduction::way;

std::shared_ptr<const credentials> somebody() {
    auto made = std::make_shared<credentials>();
    made->user = "ada";
    made->hash = secret("the hash");
    return made;
}

// What the node answers: a result, and a session when it is given one.
buffer answer(code result, std::string_view token = {}, uint32_t ttl_s = 0) {
    buffer made;
    wire::admin_writer to(made, {}, result);
    if (!token.empty()) to.field(wire::admin_field::session_token, token).field(wire::admin_field::session_ttl, ttl_s);
    to.finish();
    return made;
}

// Hands over a reply in pieces of `piece` bytes at most.
verdict hear(introduction& to, const buffer& reply, size_t piece = SIZE_MAX) {
    verdict last = verdict::more;
    byte_view left = reply.view();
    while (!left.empty() && last == verdict::more) {
        const byte_span room = to.input();
        const size_t count = std::min({left.size(), room.size(), piece});
        EXPECT_GT(count, 0u);
        std::memcpy(room.data(), left.data(), count);
        left = left.subspan(count);
        last = to.received(count);
    }
    return last;
}

wire::admin_message said(introduction& by) {
    const auto read = wire::decode_admin(by.output().subspan(wire::frame_header_size));
    EXPECT_TRUE(read.has_value());
    return *read;
}

TEST(introduction, a_login_earns_a_session_whatever_the_pieces) {
    for (const size_t piece : {size_t{1}, size_t{3}, SIZE_MAX}) {
        const auto known = std::make_shared<session>();
        introduction login(somebody(), known, way::login, true);
        EXPECT_EQ(said(login).command, static_cast<uint8_t>(wire::admin_command::login));
        EXPECT_EQ(said(login).text(wire::admin_field::user), "ada");
        EXPECT_EQ(said(login).text(wire::admin_field::credential), "the hash");
        EXPECT_FALSE(said(login).text(wire::admin_field::clear_password).has_value());
        EXPECT_EQ(hear(login, answer(code::ok, "token", 3600), piece), verdict::done);
        EXPECT_EQ(known->shown()->token.view(), "token");
        EXPECT_FALSE(known->login_due(monotonic_now()));
        EXPECT_TRUE(known->login_due(monotonic_now() + from_ms(3'541'000)));
    }
}

TEST(introduction, a_session_is_renewed_after_half_of_a_short_life) {
    const auto known = std::make_shared<session>();
    const nanos now = from_ms(1'000'000);
    known->granted({.token = secret("t"), .ttl_s = 10}, now);
    EXPECT_FALSE(known->login_due(now + from_ms(4'999)));
    EXPECT_TRUE(known->login_due(now + from_ms(5'000)));
}

TEST(introduction, a_refused_login_keeps_its_code) {
    for (const code why :
         {code::invalid_user, code::invalid_credential, code::expired_password, code::security_not_supported}) {
        const auto known = std::make_shared<session>();
        introduction login(somebody(), known, way::login, true);
        EXPECT_EQ(hear(login, answer(why)), verdict::refused);
        EXPECT_EQ(login.why().what, why);
        EXPECT_NE(login.why().text.find("ada"), std::string::npos);
        EXPECT_EQ(login.why().text.find("hash"), std::string::npos);
        EXPECT_TRUE(known->login_due(0));
    }
}

TEST(introduction, a_node_without_security_wants_nothing_more) {
    const auto known = std::make_shared<session>();
    introduction login(somebody(), known, way::login, true);
    EXPECT_EQ(hear(login, answer(code::security_not_enabled)), verdict::done);
    EXPECT_TRUE(known->shown()->token.empty());
    EXPECT_FALSE(known->login_due(never - 1));
}

TEST(introduction, a_token_that_is_refused_leads_to_a_login_where_that_may_be) {
    const auto known = std::make_shared<session>();
    known->granted({.token = secret("old"), .ttl_s = 3600}, monotonic_now());
    introduction tending(somebody(), known, way::token, true);
    EXPECT_EQ(said(tending).text(wire::admin_field::session_token), "old");
    EXPECT_EQ(hear(tending, answer(code::expired_session)), verdict::again);
    EXPECT_EQ(said(tending).command, static_cast<uint8_t>(wire::admin_command::login));
    EXPECT_EQ(hear(tending, answer(code::ok, "new", 3600)), verdict::done);
    EXPECT_EQ(known->shown()->token.view(), "new");

    introduction calling(somebody(), known, way::token, false);
    EXPECT_EQ(hear(calling, answer(code::expired_session)), verdict::refused);
    EXPECT_EQ(calling.why().what, code::not_authenticated) << "which is no fault of the node";
    EXPECT_TRUE(known->login_due(monotonic_now()));
}

TEST(introduction, a_refusal_of_an_older_token_does_not_end_a_newer_session) {
    const auto known = std::make_shared<session>();
    known->granted({.token = secret("old"), .ttl_s = 3600}, monotonic_now());
    introduction slow(somebody(), known, way::token, false);
    known->granted({.token = secret("new"), .ttl_s = 3600}, monotonic_now());
    EXPECT_EQ(hear(slow, answer(code::expired_session)), verdict::refused);
    ASSERT_TRUE(known->shown().has_value());
    EXPECT_EQ(known->shown()->token.view(), "new");
}

TEST(introduction, refuses_answers_that_are_none) {
    buffer info, huge;
    wire::encode_frame_header(info.room(wire::frame_header_size + 20), wire::frame_type::info, 20);
    std::memset(info.data() + wire::frame_header_size, 0, 20);
    info.commit(wire::frame_header_size + 20);
    wire::encode_frame_header(huge.room(wire::frame_header_size), wire::frame_type::admin, 1 << 20);
    huge.commit(wire::frame_header_size);
    const buffer no_token = answer(code::ok);
    for (const buffer* reply : {static_cast<const buffer*>(&info), static_cast<const buffer*>(&huge), &no_token}) {
        const auto known = std::make_shared<session>();
        introduction login(somebody(), known, way::login, true);
        EXPECT_EQ(hear(login, *reply), verdict::refused);
        EXPECT_EQ(login.why().what, code::bad_reply);
        EXPECT_TRUE(known->login_due(0));
    }
}

TEST(introduction, a_certificate_says_who_we_are_by_itself) {
    auto who = std::make_shared<credentials>();
    who->by_certificate = true;
    introduction login(who, std::make_shared<session>(), way::login, true);
    EXPECT_FALSE(said(login).text(wire::admin_field::user).has_value());
    EXPECT_FALSE(said(login).text(wire::admin_field::credential).has_value());
}

}  // namespace
}  // namespace aero::cluster
