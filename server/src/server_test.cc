// The whole server over real sockets: what comes in one piece or many, in order, and what closes a connection.
#include "server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "testing/ask.h"

namespace aero_server {
namespace {

using testing::ask;
using testing::buffer;
using testing::key_in;
namespace wire = aero::wire;

class talk {
  public:
    explicit talk(uint16_t port) {
        fd_ = socket(AF_INET, SOCK_STREAM, 0);
        const timeval limit{5, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
    }
    ~talk() { close(fd_); }
    talk(const talk&) = delete;
    talk& operator=(const talk&) = delete;

    bool connected() const { return connected_; }
    void send(aero::byte_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes = bytes.subspan(static_cast<size_t>(sent));
        }
    }
    void send(std::string_view text) { send(aero::as_bytes(text)); }
    // The next frame's type and body; type 0 when the server closed the connection, 255 when nothing came.
    std::pair<unsigned, std::string> receive() {
        std::string head = read(wire::frame_header_size);
        if (head.size() < wire::frame_header_size) return {timed_out_ ? 255u : 0u, {}};
        const auto header = wire::decode_frame_header(reinterpret_cast<const uint8_t*>(head.data()));
        return {static_cast<unsigned>(header->type), read(header->body_size)};
    }
    testing::told record() { return testing::read_rows(aero::as_bytes(receive().second)).at(0); }

  private:
    std::string read(size_t size) {
        std::string got(size, '\0');
        size_t have = 0;
        while (have < size) {
            const ssize_t n = recv(fd_, got.data() + have, size - have, 0);
            if (n < 0) timed_out_ = errno == EAGAIN;
            if (n <= 0) return got.substr(0, have);
            have += static_cast<size_t>(n);
        }
        return got;
    }
    int fd_ = -1;
    bool connected_ = false;
    bool timed_out_ = false;
};

buffer info(std::string_view commands) {
    buffer to;
    uint8_t* at = to.room(wire::frame_header_size);
    wire::encode_frame_header(at, wire::frame_type::info, commands.size());
    to.commit(wire::frame_header_size);
    to.append(commands);
    return to;
}

class ServerTest : public ::testing::Test {
  protected:
    void start(unsigned nodes) {
        options how;
        how.nodes = nodes;
        running_ = std::make_unique<server>(how);
        ASSERT_EQ(running_->start(), "");
    }
    uint16_t port(unsigned node = 0) { return running_->endpoints().at(node).second; }

    std::unique_ptr<server> running_;
};

TEST_F(ServerTest, AnswersRequestsSentAheadInTheirOrder) {
    start(1);
    talk t(port());
    buffer all;
    for (uint32_t i = 0; i < 1000; ++i) {
        all.append(ask(key_in(i)).write().put("a", i).frame().view());
        all.append(ask(key_in(i)).read_all().frame().view());
    }
    all.append(info("node\n").view());
    t.send(all.view());
    for (uint32_t i = 0; i < 1000; ++i) {
        ASSERT_EQ(t.record().generation, 1u);
        ASSERT_EQ(t.record().integers().at("a"), i);
    }
    EXPECT_EQ(t.receive().second, "node\tBB9000000000001\n");
}

TEST_F(ServerTest, TakesRequestsInSinglePieces) {
    start(1);
    talk t(port());
    const buffer request = ask(key_in(1)).write().put("a", 5).frame();
    for (size_t i = 0; i < request.size(); ++i) t.send(request.view().subspan(i, 1));
    EXPECT_EQ(t.record().generation, 1u);
}

TEST_F(ServerTest, MalformedMessagesAreRefusedAndTheConnectionLives) {
    start(1);
    talk t(port());
    buffer longer = ask(key_in(1)).read_all().frame();
    longer.append_u8(0);
    wire::encode_frame_header(longer.data(), wire::frame_type::message, longer.size() - wire::frame_header_size);
    t.send(longer.view());
    EXPECT_EQ(t.record().code, 4u);
    t.send(std::string_view("\2\3\0\0\0\0\0\5abcde", 13));
    EXPECT_EQ(t.record().code, 4u);
    t.send(std::string_view("\2\4\0\0\0\0\0\5abcde", 13));
    EXPECT_EQ(t.record().code, 25u);
    t.send(std::string_view("\2\2\0\0\0\0\0\5abcde", 13));
    const auto [type, body] = t.receive();
    EXPECT_EQ(type, 2u);
    EXPECT_EQ(body.at(1), 51);
    t.send(ask(key_in(1)).read_all().frame().view());
    EXPECT_EQ(t.record().code, 2u);
}

TEST_F(ServerTest, OtherProtocolsAreHungUpOn) {
    start(1);
    for (const std::string_view bytes :
         {std::string_view("GET / HTTP/1.0\r\n\r\n"), std::string_view("\1\3\0\0\0\0\0\0", 8),
          std::string_view("\2\5\0\0\0\0\0\0", 8), std::string_view("\2\3\1\0\0\0\0\0", 8)}) {
        talk t(port());
        t.send(bytes);
        EXPECT_EQ(t.receive().first, 0u);
    }
}

TEST_F(ServerTest, UnterminatedInfoIsNoCommand) {
    start(1);
    talk t(port());
    t.send(info("build").view());
    EXPECT_EQ(t.receive().second, "");
    t.send(info("build\nnonsense\nstatus").view());
    EXPECT_EQ(t.receive().second, "build\t8.1.2.0\nnonsense\tERROR:4:unrecognized command\n");
}

TEST_F(ServerTest, UserAgentIsToldOncePerConnection) {
    start(1);
    talk t(port());
    const buffer agent = info("user-agent-set:value=MSxhZXJvLTAuMSw=\n");
    t.send(agent.view());
    EXPECT_EQ(t.receive().second, "user-agent-set:value=MSxhZXJvLTAuMSw=\tok\n");
    t.send(agent.view());
    EXPECT_EQ(t.receive().second, "user-agent-set:value=MSxhZXJvLTAuMSw=\tERROR:4:already set\n");
    talk other(port());
    other.send(info("user-agent-set:value=" + std::string(88, 'A') + "\n").view());
    EXPECT_NE(other.receive().second.find("ERROR:4:'value' value too long"), std::string::npos);
}

// A client that asks for much and reads nothing must not fill the server's memory: it is served as far as it reads.
TEST_F(ServerTest, AClientThatDoesNotReadIsServedLater) {
    start(1);
    talk writer(port());
    const std::string big(900'000, 'x');
    writer.send(ask(key_in(1)).write().op(wire::op_code::write, wire::particle::blob, "b", big).frame().view());
    ASSERT_EQ(writer.record().code, 0u);
    talk slow(port());
    buffer rows;
    aero::row_template all;
    all.name_space = "test";
    all.set = "users";
    all.info1 = wire::info1::read | wire::info1::get_all;
    wire::batch_writer batch(rows, wire::batch_flag::respond_all_keys, 0, 100);
    batch.row(0, key_in(1), all);
    for (uint32_t i = 1; i < 100; ++i) batch.repeat(i, key_in(1));
    batch.finish();
    slow.send(rows.view());
    slow.send(info("status\n").view());
    usleep(50'000);
    writer.send(info("status\n").view());
    EXPECT_EQ(writer.receive().second, "status\tok\n") << "others are served meanwhile";
    unsigned got = 0;
    while (true) {
        const auto told = testing::read_rows(aero::as_bytes(slow.receive().second));
        ASSERT_FALSE(told.empty());
        if (told[0].info3 & wire::info3::last) break;
        for (const auto& row : told) got += row.ops.at(0).value.size() == big.size();
    }
    EXPECT_EQ(got, 100u);
    EXPECT_EQ(slow.receive().second, "status\tok\n");
}

TEST_F(ServerTest, AStoppedNodeRefusesAndComesBackOnItsPort) {
    start(3);
    talk t(port(2));
    ASSERT_TRUE(t.connected());
    const uint16_t before = port(2);
    ASSERT_EQ(running_->stop_node(2), "");
    EXPECT_EQ(t.receive().first, 0u);
    EXPECT_FALSE(talk(before).connected());
    ASSERT_EQ(running_->stop_node(2), "") << "stopping twice changes nothing";
    ASSERT_EQ(running_->start_node(2), "");
    EXPECT_EQ(port(2), before);
    talk again(before);
    again.send(info("node\n").view());
    EXPECT_EQ(again.receive().second, "node\tBB9000000000003\n");
    EXPECT_NE(running_->stop_node(3), "");
}

TEST_F(ServerTest, RefusesOptionsThatMakeNoCluster) {
    for (auto change :
         {+[](options& o) { o.nodes = 0; }, +[](options& o) { o.nodes = 33; }, +[](options& o) { o.namespaces = {}; },
          +[](options& o) { o.namespaces = {std::string(32, 'n')}; }, +[](options& o) { o.replication_factor = 0; },
          +[](options& o) { o.host = "no such host"; }}) {
        options how;
        change(how);
        EXPECT_NE(server(how).start(), "");
    }
    start(1);
    options taken;
    taken.base_port = port();
    EXPECT_NE(server(taken).start(), "");
}

}  // namespace
}  // namespace aero_server
