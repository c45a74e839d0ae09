#include "io/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "io/wake_up.h"

namespace aero::io {
namespace {

constexpr nanos patience = from_ms(5000);

io_result receive_within(stream& on, byte_span into, nanos timeout) {
    const nanos now = monotonic_now();
    return on.receive_wait(into, timeout == never ? never : now + timeout, now);
}

// A listening socket of the loopback device on a free port.
class listener {
  public:
    explicit listener(const char* host = "127.0.0.1") {
        endpoint at = numeric_endpoint(host, 0).value();
        fd_ = socket(at.address.ss_family, SOCK_STREAM, 0);
        if (bind(fd_, reinterpret_cast<sockaddr*>(&at.address), at.address_size) != 0) return;
        if (listen(fd_, 16) != 0) return;
        sockaddr_storage bound{};
        socklen_t size = sizeof bound;
        getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size);
        port_ = ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(bound).sin_port
                                                 : reinterpret_cast<sockaddr_in6&>(bound).sin6_port);
        at_ = numeric_endpoint(host, port_).value();
    }
    ~listener() { stop(); }
    bool ok() const { return port_ != 0; }
    const endpoint& at() const { return at_; }
    stream accept() {
        poll_entry entry{.fd = fd_, .interest = readiness::read};
        EXPECT_EQ(poll_many({&entry, 1}, patience), 1);
        return stream::adopt(::accept(fd_, nullptr, nullptr));
    }
    void stop() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

  private:
    int fd_ = -1;
    uint16_t port_ = 0;
    endpoint at_;
};

io_result finish(stream& connecting) {
    poll_entry entry{.fd = connecting.fd(), .interest = readiness::write};
    EXPECT_EQ(poll_many({&entry, 1}, patience), 1);
    return connecting.finish_connect();
}

struct connected_pair {
    listener from;
    stream client;
    stream server;
    connected_pair() {
        client = stream::start_connect(from.at()).value();
        EXPECT_EQ(finish(client).status, io_status::ok);
        server = from.accept();
    }
};

TEST(endpoint, reads_numeric_addresses_and_nothing_else) {
    EXPECT_EQ(numeric_endpoint("10.1.2.3", 3000).value().text(), "10.1.2.3:3000");
    EXPECT_EQ(numeric_endpoint("::1", 3000).value().text(), "[::1]:3000");
    for (const char* bad : {"", "localhost", "10.1.2", "10.1.2.3 ", "[::1]", "1.2.3.4.5", "fe80::%"}) {
        const auto made = numeric_endpoint(bad, 1);
        ASSERT_FALSE(made.has_value()) << bad;
        EXPECT_EQ(made.error().what, code::invalid_host);
    }
}

TEST(endpoint, compares_address_and_port_but_not_text) {
    const endpoint one = numeric_endpoint("127.0.0.1", 3000).value();
    endpoint named = one;
    named.host = "localhost";
    EXPECT_TRUE(one.same_address(named));
    EXPECT_FALSE(one.same_address(numeric_endpoint("127.0.0.1", 3001).value()));
    EXPECT_FALSE(one.same_address(numeric_endpoint("127.0.0.2", 3000).value()));
    EXPECT_FALSE(one.same_address(numeric_endpoint("::1", 3000).value()));
    EXPECT_TRUE(numeric_endpoint("::1", 1).value().same_address(numeric_endpoint("0:0::1", 1).value()));
}

TEST(stream, moves_bytes_both_ways_without_waiting) {
    connected_pair pair;
    std::array<uint8_t, 16> into{};
    EXPECT_EQ(pair.server.receive_some(into).status, io_status::would_block);
    EXPECT_EQ(pair.client.send_some(as_bytes("hello")).bytes, 5u);
    const io_result got = receive_within(pair.server, into, patience);
    EXPECT_EQ(got.status, io_status::ok);
    EXPECT_EQ(as_text({into.data(), got.bytes}), "hello");
    EXPECT_EQ(pair.server.send_some(as_bytes("ok")).bytes, 2u);
    EXPECT_EQ(receive_within(pair.client, into, patience).bytes, 2u);
    EXPECT_EQ(got.arrived, 0);
}

TEST(stream, works_over_ipv6) {
    listener from("::1");
    if (!from.ok()) {  // a machine without IPv6 says so when the connect starts
        EXPECT_FALSE(stream::start_connect(numeric_endpoint("::1", 1).value()).has_value());
        return;
    }
    stream client = stream::start_connect(from.at()).value();
    EXPECT_EQ(finish(client).status, io_status::ok);
}

TEST(stream, tells_a_refused_connect) {
    listener from;
    const endpoint gone = from.at();
    from.stop();
    auto started = stream::start_connect(gone);
    if (started) {
        const io_result end = finish(*started);
        EXPECT_EQ(end.status, io_status::failed);
        EXPECT_EQ(end.error_number, ECONNREFUSED);
    } else {
        EXPECT_EQ(started.error().what, code::connection);
        EXPECT_NE(started.error().text.find(gone.text()), std::string::npos);
    }
}

TEST(stream, tells_the_end_and_a_reset_from_a_pause) {
    connected_pair pair;
    std::array<uint8_t, 4> into{};
    EXPECT_FALSE(pair.client.stale());
    const linger now_or_never{.l_onoff = 1, .l_linger = 0};
    setsockopt(pair.server.fd(), SOL_SOCKET, SO_LINGER, &now_or_never, sizeof now_or_never);
    pair.server.close();
    const io_result got = receive_within(pair.client, into, patience);
    EXPECT_EQ(got.status, io_status::failed);
    EXPECT_EQ(got.error_number, ECONNRESET);

    connected_pair other;
    other.server.close();
    EXPECT_EQ(receive_within(other.client, into, patience).status, io_status::closed);
    EXPECT_TRUE(other.client.stale());
}

TEST(stream, is_stale_when_it_holds_bytes_nobody_asked_for) {
    connected_pair pair;
    pair.server.send_some(as_bytes("x"));
    poll_entry entry{.fd = pair.client.fd(), .interest = readiness::read};
    ASSERT_EQ(poll_many({&entry, 1}, patience), 1);
    EXPECT_TRUE(pair.client.stale());
}

TEST(stream, a_full_socket_would_block_instead_of_waiting) {
    connected_pair pair;
    const std::vector<uint8_t> much(1 << 20);
    size_t sent = 0;
    io_result last;
    for (int i = 0; i < 1000 && last.status == io_status::ok; ++i) {
        last = pair.client.send_some(much);
        sent += last.bytes;
    }
    EXPECT_EQ(last.status, io_status::would_block);
    EXPECT_GT(sent, 0u);
    pair.server.close();
    for (int i = 0; i < 100 && last.status == io_status::would_block; ++i) {
        last = pair.client.send_some(much);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(last.status == io_status::closed || last.status == io_status::failed);
}

TEST(stream, waits_about_as_long_as_asked) {
    connected_pair pair;
    std::array<uint8_t, 4> into{};
    for (const nanos timeout : {nanos{0}, from_ms(1), from_ms(30), from_ms(90), from_ms(100), from_ms(60)}) {
        const nanos before = monotonic_now();
        EXPECT_EQ(receive_within(pair.client, into, timeout).status, io_status::timed_out);
        const nanos waited = monotonic_now() - before;
        EXPECT_GE(waited, timeout - from_ms(1));
        EXPECT_LT(waited, timeout + from_ms(500));
    }
}

std::atomic<int> signals_seen{0};

TEST(stream, a_signal_ends_a_wait_early) {
    struct sigaction action{};
    struct sigaction before{};
    action.sa_handler = [](int) { ++signals_seen; };
    ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
    connected_pair pair;
    for (const nanos timeout : {from_ms(39), from_ms(10'000), never}) {
        std::atomic<bool> over{false};
        signals_seen = 0;
        std::thread waiting([&] {
            std::array<uint8_t, 4> into{};
            io_status last = io_status::timed_out;
            while (last == io_status::timed_out) last = receive_within(pair.client, into, timeout).status;
            EXPECT_EQ(last, io_status::interrupted);
            over = true;
        });
        while (!over) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            pthread_kill(waiting.native_handle(), SIGUSR1);
        }
        waiting.join();
        EXPECT_GT(signals_seen, 0);
    }
    sigaction(SIGUSR1, &before, nullptr);
}

TEST(stream, tells_when_bytes_arrived_rather_than_when_they_were_read) {
    connected_pair pair;
    pair.client.ask_timestamps(true);
    // The kernel begins to stamp a moment after the first socket of the machine asks for it.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::array<uint8_t, 4> into{};
    const nanos sent = monotonic_now();
    pair.server.send_some(as_bytes("now"));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    const nanos asked = monotonic_now();
    const io_result got = pair.client.receive_some(into);
    ASSERT_EQ(got.bytes, 3u);
#ifdef SO_TIMESTAMPNS
    EXPECT_GE(got.arrived, sent - from_ms(1));
    EXPECT_LT(got.arrived, asked - from_ms(30));
#else
    EXPECT_EQ(got.arrived, 0);
#endif
    pair.client.ask_timestamps(false);
    pair.server.send_some(as_bytes("off"));
    EXPECT_EQ(receive_within(pair.client, into, patience).arrived, 0);
}

TEST(stream, moving_hands_the_descriptor_on) {
    connected_pair pair;
    const int fd = pair.client.fd();
    stream moved = std::move(pair.client);
    EXPECT_EQ(moved.fd(), fd);
    EXPECT_FALSE(pair.client.open());
    pair.client = std::move(moved);
    EXPECT_EQ(pair.client.fd(), fd);
    pair.client.close();
    EXPECT_FALSE(pair.client.open());
    EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST(poll_many, watches_more_descriptors_than_fit_its_stack) {
    std::vector<std::unique_ptr<wake_up>> many;
    std::vector<poll_entry> entries;
    for (int i = 0; i < 100; ++i) {
        many.push_back(std::make_unique<wake_up>());
        entries.push_back({.fd = many.back()->fd(), .interest = readiness::read});
    }
    EXPECT_EQ(poll_many(entries, 0), 0);
    many[7]->signal();
    many[99]->signal();
    EXPECT_EQ(poll_many(entries, patience), 2);
    for (size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].readable, i == 7 || i == 99) << i;
}

TEST(error_text, names_the_cause) { EXPECT_EQ(error_text(ECONNREFUSED), "Connection refused"); }

}  // namespace
}  // namespace aero::io
