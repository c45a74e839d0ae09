#include "cluster/pool_keeper.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics/counters.h"
#include "testing/loopback_server.h"

namespace aero::cluster {
namespace {

// A reply of so many bytes, each of which must be an 'a'.
class letters final : public leftover {
  public:
    letters(size_t expected, nanos until) : expected_(expected), until_(until) {}
    byte_span room() override { return bytes_; }
    progress received(size_t count, nanos) override {
        for (size_t i = 0; i < count; ++i)
            if (bytes_[i] != 'a') return progress::broken;
        seen_ += count;
        return seen_ < expected_ ? progress::more : progress::complete;
    }
    nanos until() const noexcept override { return until_; }

  private:
    std::array<uint8_t, 16> bytes_{};
    size_t expected_;
    size_t seen_ = 0;
    nanos until_;
};

struct kept {
    explicit kept(uint16_t port = 3000, client_config set = {}) : config(std::move(set)) {
        keeper.attach(reactor, noted);
        which = std::make_shared<node>("N1", io::numeric_endpoint("127.0.0.1", port).value());
        seen.nodes.push_back(which);
    }
    // Hands a connection over that owes `expected` bytes until `until`; gives its other end.
    io::stream owing(size_t expected, nanos until) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        EXPECT_TRUE(which->take_slot(UINT32_MAX));
        keeper.take_over(which, {io::stream::adopt(ends[0])}, std::make_unique<letters>(expected, until));
        return io::stream::adopt(ends[1]);
    }
    void turn(nanos now, nanos longest = 0) {
        keeper.tick(now);
        std::array<io::ready_event, 16> events;
        const size_t count = reactor.wait(events, longest);
        for (size_t i = 0; i < count; ++i) keeper.ready(events[i], now);
    }
    bool rests() { return which->take_idle(1, from_ms(1000), 0).has_value(); }
    static bool is_closed(io::stream& other_end) {
        std::array<uint8_t, 4> into{};
        return other_end.receive_some(into).status == io::io_status::closed;
    }

    client_config config;
    io::reactor reactor;
    open_descriptors noted;
    pool_keeper keeper{config};
    std::shared_ptr<node> which;
    view seen;
};

TEST(pool_keeper, puts_a_connection_back_when_its_reply_has_come_whole) {
    kept at;
    const uint64_t discarded = metrics::count_of(metrics::event::reply_discarded);
    io::stream peer = at.owing(40, from_ms(1000));
    EXPECT_EQ(at.keeper.next_deadline(), never) << "not taken in yet";
    at.turn(0);
    EXPECT_EQ(at.keeper.next_deadline(), from_ms(1000));
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(at.rests());
        peer.send_some(as_bytes("aaaaaaaaaa"));
        at.turn(1);
    }
    EXPECT_EQ(at.which->connections(), 1u);
    EXPECT_TRUE(at.rests());
    EXPECT_EQ(at.keeper.next_deadline(), never);
    EXPECT_EQ(metrics::count_of(metrics::event::reply_discarded), discarded + 1);
}

TEST(pool_keeper, closes_a_connection_whose_reply_is_late_broken_or_cut) {
    kept at;
    io::stream late = at.owing(40, from_ms(50));
    io::stream broken = at.owing(40, from_ms(1000));
    io::stream cut = at.owing(40, from_ms(1000));
    EXPECT_EQ(at.which->connections(), 3u);
    late.send_some(as_bytes("aaaa"));
    broken.send_some(as_bytes("aaxa"));
    cut.close();
    at.turn(0);
    EXPECT_EQ(at.which->connections(), 1u);
    EXPECT_FALSE(kept::is_closed(late));
    EXPECT_TRUE(kept::is_closed(broken));
    at.turn(from_ms(50));
    EXPECT_TRUE(kept::is_closed(late));
    EXPECT_EQ(at.which->connections(), 0u);
    EXPECT_FALSE(at.rests());
}

TEST(pool_keeper, reads_so_many_at_once_and_closes_the_others) {
    kept at;
    std::vector<io::stream> peers;
    for (size_t i = 0; i < pool_keeper::leftovers_max + 3; ++i) peers.push_back(at.owing(1, from_ms(1000)));
    EXPECT_EQ(at.which->connections(), pool_keeper::leftovers_max);
    EXPECT_TRUE(kept::is_closed(peers.back()));
    at.turn(0);
    peers.front().send_some(as_bytes("a"));
    at.turn(0);
    EXPECT_TRUE(at.rests());
    peers.push_back(at.owing(1, from_ms(1000)));
    EXPECT_FALSE(kept::is_closed(peers.back())) << "one has ended, so there is room for another";
}

TEST(pool_keeper, lets_everything_go_when_it_closes_and_takes_nothing_after) {
    kept at;
    io::stream taken_in = at.owing(1, from_ms(1000));
    at.turn(0);
    io::stream waiting = at.owing(1, from_ms(1000));
    at.keeper.close();
    io::stream after = at.owing(1, from_ms(1000));
    for (io::stream* each : {&taken_in, &waiting, &after}) EXPECT_TRUE(kept::is_closed(*each));
    EXPECT_EQ(at.which->connections(), 0u);
}

client_config with_least(uint32_t least, uint32_t most = 256) {
    client_config made;
    made.connections_per_node_min = least;
    made.connections_per_node_max = most;
    made.idle_timeout_s = 1;
    return made;
}

void settle(kept& at) {
    const nanos until = monotonic_now() + from_ms(20'000);
    while (at.keeper.connecting() && monotonic_now() < until) at.turn(monotonic_now(), from_ms(100));
    EXPECT_FALSE(at.keeper.connecting());
}

TEST(pool_keeper, opens_what_is_missing_and_never_closes_below_it) {
    const tests::loopback_server peer;
    kept at(peer.port(), with_least(3));
    const nanos began = monotonic_now();
    at.keeper.keep(at.seen, began);
    EXPECT_EQ(at.which->connections(), 3u) << "connects count from their start";
    settle(at);
    at.keeper.keep(at.seen, began + from_ms(5000));
    EXPECT_FALSE(at.keeper.connecting());
    EXPECT_EQ(at.which->connections(), 3u) << "five seconds are more than the idle timeout";
    auto taken = at.which->take_idle(began + from_ms(5000), from_ms(1000), 3);
    ASSERT_TRUE(taken.has_value());
    taken.reset();
    at.which->drop_slot();
    at.keeper.keep(at.seen, began + from_ms(6000));
    settle(at);
    EXPECT_EQ(at.which->connections(), 3u);
}

TEST(pool_keeper, closes_what_rests_too_long_beyond_the_least) {
    const tests::loopback_server peer;
    kept at(peer.port(), with_least(5));
    at.keeper.keep(at.seen, monotonic_now());
    settle(at);
    at.config.connections_per_node_min = 2;
    at.keeper.keep(at.seen, monotonic_now() + from_ms(900));
    EXPECT_EQ(at.which->connections(), 5u);
    at.keeper.keep(at.seen, monotonic_now() + from_ms(5000));
    EXPECT_EQ(at.which->connections(), 2u);
}

TEST(pool_keeper, opens_no_more_than_a_node_may_have) {
    const tests::loopback_server peer;
    kept at(peer.port(), with_least(50, 4));
    at.keeper.keep(at.seen, monotonic_now());
    settle(at);
    EXPECT_EQ(at.which->connections(), 4u);
}

TEST(pool_keeper, asks_a_node_that_refuses_again_in_a_later_round_and_none_that_left) {
    tests::loopback_server peer;
    kept at(peer.port(), with_least(3));
    at.keeper.keep(at.seen, monotonic_now());
    settle(at);
    EXPECT_EQ(at.which->connections(), 3u);
    peer.stop();
    at.keeper.keep(at.seen, monotonic_now());
    settle(at);
    EXPECT_EQ(at.which->connections(), 0u) << "what the peer closed is not kept";
    peer.start_again();
    at.keeper.keep(at.seen, monotonic_now());
    settle(at);
    EXPECT_EQ(at.which->connections(), 3u);
    at.which->deactivate();
    EXPECT_EQ(at.which->connections(), 0u);
    at.keeper.keep(at.seen, monotonic_now());
    EXPECT_EQ(at.which->connections(), 0u);
}

}  // namespace
}  // namespace aero::cluster
