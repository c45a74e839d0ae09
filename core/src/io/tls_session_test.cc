#include "io/tls_session.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "io/tls_context.h"
#include "testing/certificates.h"

namespace aero::io {
namespace {

using state = tls_session::state;
using tests::authority;
using tests::identity;

// One authority for the whole file: making keys takes time.
authority& home() {
    static authority made;
    return made;
}

tls_config trusting(const std::string& authorities) {
    tls_config made;
    made.enable = true;
    made.cadata = authorities;
    return made;
}

tls_config serving(const identity& as) {
    tls_config made;
    made.enable = true;
    made.certdata = as.certificate;
    made.keydata = secret(as.key);
    return made;
}

std::shared_ptr<tls_context> client_of(const tls_config& config) {
    auto made = tls_context::make(config, tls_context::side::client);
    EXPECT_TRUE(made.has_value()) << made.error().text;
    return *made;
}
std::shared_ptr<tls_context> server_of(const tls_config& config) {
    auto made = tls_context::make(config, tls_context::side::server);
    EXPECT_TRUE(made.has_value()) << made.error().text;
    return *made;
}

// Two sessions and the wire between them, which carries at most `piece` bytes at a time.
struct conversation {
    conversation(tls_context& client, tls_context& server, size_t carries = SIZE_MAX,
                 const std::string& name = "localhost")
        : ours(client.begin(name, "a place").value()), theirs(server.begin().value()), piece(carries) {}

    static bool carry(tls_session& from, tls_session& to, size_t most) {
        const byte_view waiting = from.outgoing();
        const size_t count = std::min(waiting.size(), most);
        to.incoming().append(waiting.first(count));
        from.sent(count);
        return count > 0;
    }
    bool carry_both() {
        const bool there = carry(*ours, *theirs, piece);
        return carry(*theirs, *ours, piece) || there;
    }
    // Until both are established, one failed, or nothing moves any more.
    bool shake() {
        state one = state::wants_input, two = state::wants_input;
        bool moved = true;
        while (moved && (one != state::ok || two != state::ok)) {
            if (one == state::wants_input) one = ours->handshake();
            if (two == state::wants_input) two = theirs->handshake();
            moved = carry_both();
        }
        // A session that failed may have told the other why, and tickets may still be on their way.
        while (carry_both()) {}
        if (two == state::wants_input) two = theirs->handshake();
        return one == state::ok && two == state::ok;
    }
    // What arrives at the other end of what is written at one.
    static std::string pass(tls_session& from, tls_session& to, std::string_view text, size_t piece) {
        std::string arrived;
        std::array<uint8_t, 333> part{};
        for (byte_view left = as_bytes(text); !left.empty();) {
            const tls_session::progress sealed = from.write(left);
            EXPECT_EQ(sealed.what, state::ok) << from.why();
            if (sealed.what != state::ok) return arrived;
            left = left.subspan(sealed.bytes);
            while (carry(from, to, piece)) {
                tls_session::progress opened;
                do {
                    opened = to.read(part);
                    arrived += as_text(byte_view(part).first(opened.bytes));
                } while (opened.what == state::ok);
                EXPECT_EQ(opened.what, state::wants_input) << to.why();
            }
        }
        return arrived;
    }

    std::unique_ptr<tls_session> ours;
    std::unique_ptr<tls_session> theirs;
    size_t piece;
};

std::string some_text(size_t size) {
    std::minstd_rand random(7);
    std::string text(size, ' ');
    for (char& each : text) each = static_cast<char>('a' + random() % 26);
    return text;
}

TEST(tls_session, talks_whatever_the_pieces_in_which_bytes_arrive) {
    const auto server = server_of(serving(home().issue()));
    const std::string text = some_text(50'000);
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        tls_config config = trusting(home().certificate());
        config.protocols = version;
        const auto client = client_of(config);
        for (const size_t piece : {size_t{1}, size_t{5}, size_t{100}, size_t{1000}, SIZE_MAX}) {
            conversation with(*client, *server, piece);
            ASSERT_TRUE(with.shake()) << with.ours->why() << with.theirs->why();
            EXPECT_EQ(with.ours->version(), version);
            EXPECT_EQ(conversation::pass(*with.ours, *with.theirs, text, piece), text);
            EXPECT_EQ(conversation::pass(*with.theirs, *with.ours, text, piece), text);
        }
    }
}

TEST(tls_session, survives_a_cut_at_any_byte_of_the_handshake) {
    const auto server = server_of(serving(home().issue()));
    const auto client = client_of(trusting(home().certificate()));
    conversation whole(*client, *server, 1);
    size_t steps = 0;
    state one = state::wants_input, two = state::wants_input;
    do {
        if (one == state::wants_input) one = whole.ours->handshake();
        if (two == state::wants_input) two = whole.theirs->handshake();
        ++steps;
    } while (whole.carry_both());
    for (size_t cut = 0; cut < steps; cut += 7) {
        conversation with(*client, *server, 1);
        one = two = state::wants_input;
        for (size_t step = 0; step < cut; ++step) {
            if (one == state::wants_input) one = with.ours->handshake();
            if (two == state::wants_input) two = with.theirs->handshake();
            with.carry_both();
        }
        if (one == state::ok) break;
        with.ours->end_of_input();
        EXPECT_EQ(with.ours->handshake(), state::failed) << "cut after " << cut;
        EXPECT_EQ(with.ours->why(), "the peer ended the connection");
        EXPECT_EQ(with.ours->handshake(), state::failed);
    }
}

TEST(tls_session, refuses_damaged_bytes) {
    const auto server = server_of(serving(home().issue()));
    const auto client = client_of(trusting(home().certificate()));
    std::minstd_rand random(11);
    for (int run = 0; run < 40; ++run) {
        conversation with(*client, *server);
        ASSERT_TRUE(with.shake());
        ASSERT_EQ(with.theirs->write(as_bytes("an answer that matters")).what, state::ok);
        buffer damaged;
        damaged.append(with.theirs->outgoing());
        damaged.data()[5 + random() % (damaged.size() - 5)] ^= static_cast<uint8_t>(1 + random() % 255);
        with.ours->incoming().append(damaged.view());
        std::array<uint8_t, 100> into{};
        const auto got = with.ours->read(into);
        EXPECT_EQ(got.bytes, 0u);
        EXPECT_EQ(got.what, state::failed);
        EXPECT_FALSE(with.ours->why().empty());
    }
}

TEST(tls_session, gives_up_on_a_peer_that_speaks_something_else) {
    const auto client = client_of(trusting(home().certificate()));
    for (const std::string_view said :
         {std::string_view("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string_view("\x02\x01\0\0\0\0\0\0garbage", 15),
          std::string_view("\0", 1)}) {
        const auto ours = client->begin("localhost").value();
        EXPECT_EQ(ours->handshake(), state::wants_input);
        ours->incoming().append(said);
        ours->end_of_input();
        EXPECT_EQ(ours->handshake(), state::failed);
        EXPECT_FALSE(ours->why().empty());
    }
}

struct refusal {
    const char* what;
    tls_config server;
    tls_config client;
    std::string name;
    std::string why;
};

TEST(tls_session, trusts_only_whom_it_was_told_to) {
    authority other;
    const identity good = home().issue();
    tls_config two = trusting(home().certificate());
    tls_config three = trusting(home().certificate());
    two.protocols = "TLSv1.2";
    three.protocols = "-all +TLSv1.3";
    tls_config only_three = serving(good);
    only_three.protocols = "TLSv1.3";
    tls_config listed = trusting(home().certificate() + home().revoked(1000));
    listed.crl_check = true;
    tls_config without_list = trusting(home().certificate());
    without_list.crl_check = true;
    const refusal all[] = {
        {"another authority", serving(other.issue()), trusting(home().certificate()), "localhost",
         "unable to get local issuer certificate"},
        {"another name", serving(good), trusting(home().certificate()), "elsewhere.example", "hostname mismatch"},
        {"an address instead of the name", serving(good), trusting(home().certificate()), "127.0.0.1",
         "IP address mismatch"},
        {"expired", serving(home().issue({.valid_from_s = -7200, .valid_to_s = -60})), trusting(home().certificate()),
         "localhost", "certificate has expired"},
        {"not yet valid", serving(home().issue({.valid_from_s = 600})), trusting(home().certificate()), "localhost",
         "certificate is not yet valid"},
        {"revoked", serving(good), listed, "localhost", "certificate revoked"},
        {"no list to look in", serving(good), without_list, "localhost", "unable to get certificate CRL"},
        {"no common version", only_three, two, "localhost", "protocol version"},
    };
    for (const refusal& each : all) {
        conversation with(*client_of(each.client), *server_of(each.server), SIZE_MAX, each.name);
        EXPECT_FALSE(with.shake()) << each.what;
        EXPECT_NE(with.ours->why().find(each.why), std::string::npos) << each.what << ": " << with.ours->why();
    }
    conversation with(*client_of(three), *server_of(only_three));
    EXPECT_TRUE(with.shake());
}

TEST(tls_session, resumes_nothing_under_a_name_that_was_not_checked) {
    const auto server = server_of(serving(home().issue()));
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        tls_config config = trusting(home().certificate());
        config.protocols = version;
        const auto client = client_of(config);
        for (const bool again : {false, true}) {
            conversation with(*client, *server);
            ASSERT_TRUE(with.shake()) << with.ours->why();
            EXPECT_EQ(conversation::pass(*with.theirs, *with.ours, "hello", SIZE_MAX), "hello");  // tickets came before
            EXPECT_EQ(with.ours->resumed(), again) << version;
        }
        conversation with(*client, *server, SIZE_MAX, "elsewhere.example");
        EXPECT_FALSE(with.shake()) << version;
        EXPECT_NE(with.ours->why().find("hostname mismatch"), std::string::npos) << with.ours->why();
    }
}

TEST(tls_session, checks_addresses_against_addresses) {
    const auto server = server_of(serving(home().issue({.name = "127.0.0.1", .is_address = true})));
    const auto client = client_of(trusting(home().certificate()));
    EXPECT_TRUE(conversation(*client, *server, SIZE_MAX, "127.0.0.1").shake());
    EXPECT_FALSE(conversation(*client, *server, SIZE_MAX, "127.0.0.2").shake());
}

TEST(tls_session, shows_its_own_certificate_where_one_is_demanded) {
    tls_config demanding = serving(home().issue());
    demanding.cadata = home().certificate();
    const auto server = server_of(demanding);
    tls_config known = trusting(home().certificate());
    const identity me = home().issue({.name = "me", .pass_phrase = "open sesame"});
    known.certdata = me.certificate;
    known.keydata = secret(me.key);
    known.keyfile_pw = secret("open sesame");
    EXPECT_TRUE(conversation(*client_of(known), *server).shake());

    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        tls_config unknown = trusting(home().certificate());
        unknown.protocols = version;
        conversation with(*client_of(unknown), *server);
        EXPECT_FALSE(with.shake()) << version;
        // With TLS 1.3 the client is done before the server looks; it hears of it at its first read.
        std::array<uint8_t, 10> into{};
        if (with.ours->established()) with.ours->read(into);
        EXPECT_FALSE(with.ours->why().empty()) << version;
    }
}

TEST(tls_session, resumes_what_it_had_with_the_same_place) {
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        tls_config config = trusting(home().certificate());
        config.protocols = version;
        const auto client = client_of(config);
        const auto server = server_of(serving(home().issue()));
        for (int turn = 0; turn < 3; ++turn) {
            conversation with(*client, *server);
            ASSERT_TRUE(with.shake());
            EXPECT_EQ(with.ours->resumed(), turn > 0) << version << " " << turn;
            EXPECT_EQ(conversation::pass(*with.theirs, *with.ours, "tickets come with it", SIZE_MAX),
                      "tickets come with it");
        }
    }
}

TEST(tls_context, says_what_is_wrong_with_its_configuration) {
    const identity me = home().issue({.pass_phrase = "right"});
    const identity other = home().issue();
    tls_config wrong_phrase = serving(me);
    wrong_phrase.keyfile_pw = secret("wrong");
    tls_config no_phrase = serving(me);
    tls_config mismatch = serving(other);
    mismatch.certdata = home().issue().certificate;
    tls_config no_file, no_ca, version, cipher, key_alone;
    no_file.certfile = "no/such/file.pem";
    no_ca.cafile = "no/such/ca.pem";
    version.protocols = "TLSv1.1";
    cipher.cipher_suite = "NO-SUCH-CIPHER";
    key_alone.keydata = secret(other.key);
    const std::pair<tls_config, const char*> all[] = {
        {wrong_phrase, "keyfile_pw"},  {no_phrase, "keyfile_pw"}, {mismatch, "does not fit"},
        {no_file, "no/such/file.pem"}, {no_ca, "no/such/ca.pem"}, {version, "TLSv1.1"},
        {cipher, "NO-SUCH-CIPHER"},    {key_alone, "certfile"},   {trusting("not PEM"), "cadata"},
    };
    for (const auto& [config, named] : all) {
        const auto made = tls_context::make(config, tls_context::side::client);
        ASSERT_FALSE(made.has_value()) << named;
        EXPECT_EQ(made.error().what, code::tls);
        EXPECT_NE(made.error().text.find(named), std::string::npos) << made.error().text;
        for (const char* hidden : {"wrong", "PRIVATE KEY"})
            EXPECT_EQ(made.error().text.find(hidden), std::string::npos) << made.error().text;
    }
}

// A folder that goes with the test.
struct scratch {
    std::filesystem::path at = std::filesystem::temp_directory_path() / ("aero-tls-" + std::to_string(getpid()));
    scratch() { std::filesystem::create_directories(at); }
    ~scratch() { std::filesystem::remove_all(at); }
    std::string put(const char* name, const std::string& text) const {
        std::ofstream(at / name) << text;
        return (at / name).string();
    }
};

TEST(tls_context, reads_changed_files_again_and_keeps_what_it_has_when_they_are_bad) {
    const scratch folder;
    authority before, after;
    tls_config config;
    config.enable = true;
    config.cafile = folder.put("ca.pem", before.certificate());
    const auto client = client_of(config);
    const auto old_server = server_of(serving(before.issue()));
    const auto new_server = server_of(serving(after.issue()));
    conversation running(*client, *old_server);
    ASSERT_TRUE(running.shake());
    EXPECT_FALSE(client->refresh().value());

    folder.put("ca.pem", "something else");
    EXPECT_FALSE(client->refresh().has_value());
    EXPECT_TRUE(conversation(*client, *old_server).shake());

    folder.put("ca.pem", after.certificate());
    EXPECT_TRUE(client->refresh().value());
    EXPECT_TRUE(conversation(*client, *new_server).shake());
    EXPECT_FALSE(conversation(*client, *old_server).shake());  // nor is the session of before resumed
    EXPECT_EQ(conversation::pass(*running.ours, *running.theirs, "goes on", SIZE_MAX), "goes on");
}

}  // namespace
}  // namespace aero::io
