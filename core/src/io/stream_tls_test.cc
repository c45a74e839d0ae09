#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "io/stream.h"
#include "io/tls_context.h"
#include "testing/certificates.h"

namespace aero::io {
namespace {

constexpr nanos patience = from_ms(10'000);

io_result receive_within(stream& on, byte_span into, nanos timeout) {
    const nanos now = monotonic_now();
    return on.receive_wait(into, timeout == never ? never : now + timeout, now);
}

struct sides {
    std::shared_ptr<tls_context> client;
    std::shared_ptr<tls_context> server;
};

const sides& both() {
    static const sides made = [] {
        tests::authority home;
        const tests::identity node = home.issue();
        tls_config ours, theirs;
        ours.enable = theirs.enable = true;
        ours.cadata = home.certificate();
        theirs.certdata = node.certificate;
        theirs.keydata = secret(node.key);
        return sides{tls_context::make(ours, tls_context::side::client).value(),
                     tls_context::make(theirs, tls_context::side::server).value()};
    }();
    return made;
}

// Says "hi" and wants "ok" before the connection may be used.
class salute final : public greeting {
  public:
    explicit salute(bool& heard) : heard_(heard) {}
    byte_view output() noexcept override { return as_bytes("hi"); }
    byte_span input() noexcept override { return byte_span(reply_).subspan(have_); }
    verdict received(size_t bytes) override {
        have_ += bytes;
        if (have_ < reply_.size()) return verdict::more;
        heard_ = as_text(reply_) == "ok";
        return heard_ ? verdict::done : verdict::refused;
    }
    error why() const override { return {.what = code::not_authenticated, .text = "no ok"}; }

  private:
    bool& heard_;
    std::array<uint8_t, 2> reply_{};
    size_t have_ = 0;
};

// Two streams on one socket pair with small buffers.
struct pair {
    stream client;
    stream server;

    explicit pair(std::unique_ptr<greeting> words = nullptr) {
        int ends[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        for (const int each : ends) {
            const int size = 8192;
            setsockopt(each, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        }
        client = stream::adopt(ends[0], {.tls = both().client->begin("localhost").value(), .words = std::move(words)});
        server = stream::adopt(ends[1], {.tls = both().server->begin().value()});
    }
};

// Asks until it is done, waiting for what it awaits.
io_result finish(stream& of, nanos limit = patience) {
    const nanos until = monotonic_now() + limit;
    for (;;) {
        const io_result state = of.finish_connect();
        if (state.status != io_status::would_block || monotonic_now() >= until) return state;
        poll_entry entry{.fd = of.fd(), .interest = of.awaited()};
        poll_many({&entry, 1}, from_ms(100));
    }
}

void send_all(stream& on, byte_view bytes) {
    const nanos until = monotonic_now() + patience;
    while (!bytes.empty() && monotonic_now() < until) {
        const io_result done = on.send_some(bytes);
        if (done.status == io_status::would_block) {
            poll_entry entry{.fd = on.fd(), .interest = readiness::write};
            poll_many({&entry, 1}, from_ms(100));
            continue;
        }
        ASSERT_EQ(done.status, io_status::ok);
        bytes = bytes.subspan(done.bytes);
    }
    ASSERT_TRUE(bytes.empty());
}

std::string receive_all(stream& on, size_t size, size_t room) {
    std::string text;
    std::vector<uint8_t> into(room);
    while (text.size() < size) {
        const io_result got = receive_within(on, into, patience);
        if (got.status != io_status::ok) break;
        text += as_text(byte_view(into).first(got.bytes));
    }
    return text;
}

TEST(stream_tls, moves_more_than_sockets_hold_both_ways) {
    pair ends;
    std::string large(1'000'000, '\0');
    for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7 % 251);
    std::thread other([&] {
        EXPECT_EQ(finish(ends.server).status, io_status::ok);
        EXPECT_EQ(receive_all(ends.server, large.size(), 777), large);
        send_all(ends.server, as_bytes(large));
    });
    EXPECT_EQ(finish(ends.client).status, io_status::ok);
    send_all(ends.client, as_bytes(large));
    EXPECT_EQ(receive_all(ends.client, large.size(), 100'000), large);
    other.join();
}

TEST(stream_tls, a_receive_that_did_not_fill_its_room_left_nothing_behind) {
    pair ends;
    std::thread other([&] {
        EXPECT_EQ(finish(ends.server).status, io_status::ok);
        send_all(ends.server, as_bytes(std::string(5000, 'x')));
    });
    EXPECT_EQ(finish(ends.client).status, io_status::ok);
    other.join();
    std::vector<uint8_t> into(3000);
    EXPECT_EQ(receive_within(ends.client, into, patience).bytes, 3000u);
    poll_entry entry{.fd = ends.client.fd(), .interest = readiness::read};
    EXPECT_EQ(poll_many({&entry, 1}, 0), 0);  // the descriptor knows nothing of the rest
    EXPECT_TRUE(ends.client.holds_more());
    const io_result rest = ends.client.receive_some(into);
    EXPECT_EQ(rest.bytes, 2000u);
    EXPECT_EQ(ends.client.receive_some(into).status, io_status::would_block);
}

TEST(stream_tls, tickets_make_no_connection_stale_and_bytes_nobody_asked_for_do) {
    pair ends;
    std::thread other([&] { EXPECT_EQ(finish(ends.server).status, io_status::ok); });
    EXPECT_EQ(finish(ends.client).status, io_status::ok);
    other.join();
    poll_entry entry{.fd = ends.client.fd(), .interest = readiness::read};
    EXPECT_EQ(poll_many({&entry, 1}, patience), 1);  // the tickets
    EXPECT_FALSE(ends.client.stale());
    EXPECT_EQ(poll_many({&entry, 1}, 0), 0);
    send_all(ends.server, as_bytes("unasked"));
    EXPECT_TRUE(ends.client.stale());
}

TEST(stream_tls, tells_the_end_of_the_peer) {
    pair ends;
    std::thread other([&] { EXPECT_EQ(finish(ends.server).status, io_status::ok); });
    EXPECT_EQ(finish(ends.client).status, io_status::ok);
    other.join();
    ends.server.close();
    std::array<uint8_t, 10> into{};
    EXPECT_EQ(receive_within(ends.client, into, patience).status, io_status::closed);
    EXPECT_TRUE(ends.client.stale());
}

TEST(stream_tls, a_peer_that_says_nothing_leaves_the_wait_to_the_caller) {
    pair ends;
    EXPECT_EQ(finish(ends.client, from_ms(150)).status, io_status::would_block);
    EXPECT_EQ(ends.client.awaited(), readiness::read);
}

TEST(stream_tls, a_greeting_comes_before_everything_else) {
    for (const std::string_view answer : {"ok", "no"}) {
        bool heard = false;
        pair ends(std::make_unique<salute>(heard));
        std::thread other([&] {
            EXPECT_EQ(finish(ends.server).status, io_status::ok);
            EXPECT_EQ(receive_all(ends.server, 2, 2), "hi");
            send_all(ends.server, as_bytes(answer.substr(0, 1)));
            send_all(ends.server, as_bytes(answer.substr(1)));
        });
        const io_result end = finish(ends.client);
        other.join();
        EXPECT_EQ(end.status, answer == "ok" ? io_status::ok : io_status::failed);
        EXPECT_EQ(heard, answer == "ok");
        EXPECT_TRUE(answer == "ok" || ends.client.trouble(end).what == code::not_authenticated);
    }
}

}  // namespace
}  // namespace aero::io
