// The floor under every client: requests prepared beforehand, replies read but not looked into, one connection, one
// thread. The keys are those that the clients are given.
//
// usage: wire_floor ADDRESS PORT, then rounds as bench/rounds.h says: get, put, batch, describe.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cstring>

#include "base/buffer.h"
#include "rounds.h"
#include "wire/batch.h"
#include "wire/digest.h"
#include "wire/message.h"

namespace aero::bench {
namespace {

digest digest_of(const std::string& set, const std::string& user_key) {
    return wire::digest_of({.set = set, .value = as_bytes(user_key)});
}

class floor_client {
  public:
    floor_client(const char* address, uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        if (inet_pton(AF_INET, address, &to.sin_addr) != 1) give_up("address");
        const int on = 1;
        setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) give_up("connect");
        reply_.reserve(wire::body_size_max / 16);
    }
    floor_client(const floor_client&) = delete;
    floor_client& operator=(const floor_client&) = delete;
    ~floor_client() { ::close(fd_); }

    void run(const round& what) {
        const bool is_batch = what.op == "batch";
        std::vector<buffer> requests;
        for (const names& keys : what.wanted)
            requests.push_back(is_batch ? batch(keys) : single(keys.front(), what.op == "put"));
        exchange(requests.front(), is_batch);  // its size is told, and the reply's memory is there
        measure(what.calls, reply_.size(), [&](unsigned call) { exchange(requests[call], is_batch); });
    }

  private:
    static buffer single(const record_name& which, bool write) {
        const std::string set = write ? "fv_w" : which.set_name();
        const digest key = digest_of(set, which.user_key());
        buffer to;
        wire::message_writer message(to);
        if (write) {
            message.header().info2 = wire::info2::write;
        } else {
            message.header().info1 = wire::info1::read | wire::info1::get_all;
        }
        message.header().transaction_ttl = timeout_ms;
        message.field(wire::field_type::name_space, name_space);
        message.field(wire::field_type::set, set);
        message.field(wire::field_type::digest, byte_view(key));
        if (write) append_bins(message.ops(8), which.number);
        message.finish();
        return to;
    }

    static void append_bins(buffer& ops, unsigned number) {
        using enum wire::particle;
        uint8_t eight[8];
        for (unsigned i = 0; i < 4; ++i) {
            store_be(eight, uint64_t{number} * 1000 + i);
            wire::append_op(ops, wire::op_code::write, integer, numbered("i%u", i), eight);
        }
        for (unsigned i = 0; i < 2; ++i) {
            store_be(eight, std::bit_cast<uint64_t>(number * 0.5 + i));
            wire::append_op(ops, wire::op_code::write, floating, numbered("f%u", i), eight);
        }
        for (unsigned i = 0; i < 2; ++i) {
            const std::string text = numbered("value_%06u", number);
            wire::append_op(ops, wire::op_code::write, string, numbered("s%u", i), as_bytes(text));
        }
    }

    static buffer batch(const names& keys) {
        buffer to;
        const uint8_t flags = wire::batch_flag::in_line | wire::batch_flag::respond_all_keys;
        wire::batch_writer message(to, flags, timeout_ms, static_cast<uint32_t>(keys.size()));
        std::string last;
        for (uint32_t i = 0; i < keys.size(); ++i) {
            const std::string set = keys[i].set_name();
            const digest key = digest_of(set, keys[i].user_key());
            if (set == last) {
                message.repeat(i, key);
            } else {
                row_template shape;
                shape.name_space = name_space;
                shape.set = last = set;
                shape.info1 = wire::info1::read | wire::info1::get_all;
                message.row(i, key, shape);
            }
        }
        message.finish();
        return to;
    }

    // Sends a request and reads frames until the reply is complete: one frame, or for a batch the one marked LAST.
    void exchange(const buffer& request, bool until_last) {
        const auto size = static_cast<ssize_t>(request.size());
        if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != size) give_up("send");
        reply_.clear();
        size_t parsed = 0;
        for (bool done = false; !done;) {
            const byte_span room = reply_.free_space();
            const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
            if (got <= 0) give_up("recv");
            reply_.commit(static_cast<size_t>(got));
            while (!done && reply_.size() - parsed >= wire::frame_header_size) {
                const auto frame = wire::decode_frame_header(reply_.data() + parsed);
                if (!frame) give_up("a frame that the protocol does not allow");
                const size_t end = parsed + wire::frame_header_size + frame->body_size;
                if (reply_.size() < end) break;
                const auto header = wire::decode_message_header(reply_.data() + parsed + wire::frame_header_size);
                done = !until_last || (header.info3 & wire::info3::last) != 0;
                if (done && header.result_code != 0) {
                    std::fprintf(stderr, "result code %d\n", header.result_code);
                    std::exit(1);
                }
                parsed = end;
            }
        }
    }

    int fd_;
    buffer reply_;
};

}  // namespace
}  // namespace aero::bench

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: wire_floor ADDRESS PORT\n");
        return 2;
    }
    aero::bench::floor_client client(argv[1], static_cast<uint16_t>(std::atoi(argv[2])));
    for (aero::bench::round what; aero::bench::read_round(what);) {
        if (what.op == "describe")
            aero::bench::describe(0);
        else
            client.run(what);
    }
    return 0;
}
