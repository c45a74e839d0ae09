// The floor under every client: requests prepared beforehand, replies read but not looked into, one connection, one
// thread.
//
// usage: wire_floor ADDRESS PORT, then one command per line on standard input:
//     get 1 1 CALLS | put 1 1 CALLS | batch KEYS SETS CALLS | describe
// Each command is answered by one line of JSON with the figures of `bench/measure.py`.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "wire/batch.h"
#include "wire/digest.h"
#include "wire/message.h"

namespace {

using namespace aero;

constexpr unsigned records_per_set = 2000;
constexpr unsigned set_count = 9;
constexpr unsigned prepared = 64;
constexpr std::string_view name_space = "test";
constexpr uint32_t timeout_ms = 5000;

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
}

int64_t clock_ns(clockid_t which) {
    timespec now{};
    clock_gettime(which, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::string numbered(const char* format, unsigned number) {
    char text[32];
    std::snprintf(text, sizeof text, format, number);
    return text;
}

digest digest_of(const std::string& set, const std::string& user_key) {
    return wire::digest_of({.set = set, .value = as_bytes(user_key)});
}

struct command {
    std::string name;
    unsigned keys = 1, sets = 1, calls = 1;
};

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

    void run(const command& what) {
        std::vector<buffer> requests;
        for (unsigned i = 0; i < prepared; ++i) requests.push_back(prepare(what));
        std::vector<int64_t> latencies(what.calls);
        const int64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        const int64_t start = clock_ns(CLOCK_MONOTONIC);
        for (unsigned i = 0; i < what.calls; ++i) {
            const int64_t before = clock_ns(CLOCK_MONOTONIC);
            exchange(requests[i % prepared], what.name == "batch");
            latencies[i] = clock_ns(CLOCK_MONOTONIC) - before;
        }
        const int64_t wall = clock_ns(CLOCK_MONOTONIC) - start;
        report(latencies, wall, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    }

  private:
    buffer prepare(const command& what) {
        if (what.name == "batch") return batch(what.keys, what.sets);
        return single(what.name == "put");
    }

    buffer single(bool write) {
        const std::string set = write ? "fv_w" : numbered("fv_%u", static_cast<unsigned>(draw_() % set_count));
        const unsigned number = static_cast<unsigned>(draw_() % records_per_set);
        const digest key = digest_of(set, numbered("user_%06u", number));
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
        if (write) append_bins(message.ops(8), number);
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

    buffer batch(unsigned keys, unsigned sets) {
        buffer to;
        const uint8_t flags = wire::batch_flag::in_line | wire::batch_flag::respond_all_keys;
        wire::batch_writer message(to, flags, timeout_ms, keys);
        std::vector<unsigned> numbers(records_per_set);
        for (unsigned i = 0; i < records_per_set; ++i) numbers[i] = i;
        std::shuffle(numbers.begin(), numbers.end(), draw_);
        std::string last;
        for (unsigned i = 0; i < keys; ++i) {
            const std::string set = numbered("fv_%u", i * sets / keys);
            const digest key = digest_of(set, numbered("user_%06u", numbers[i % records_per_set]));
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

    static void report(std::vector<int64_t>& latencies, int64_t wall_ns, int64_t cpu_ns) {
        std::sort(latencies.begin(), latencies.end());
        const size_t calls = latencies.size();
        const auto at = [&](size_t index) { return static_cast<double>(latencies[std::min(index, calls - 1)]) / 1e3; };
        std::printf(R"({"calls": %zu, "p50_us": %.3f, "p99_us": %.3f, "cpu_us": %.3f, "per_s": %.0f})"
                    "\n",
                    calls, at(calls / 2), at(calls * 99 / 100),
                    static_cast<double>(cpu_ns) / 1e3 / static_cast<double>(calls),
                    static_cast<double>(calls) * 1e9 / static_cast<double>(wall_ns));
        std::fflush(stdout);
    }

    int fd_;
    buffer reply_;
    std::mt19937 draw_{1};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: wire_floor ADDRESS PORT\n");
        return 2;
    }
    floor_client client(argv[1], static_cast<uint16_t>(std::atoi(argv[2])));
    for (std::string line; std::getline(std::cin, line);) {
        command what;
        std::istringstream words(line);
        words >> what.name >> what.keys >> what.sets >> what.calls;
        if (what.name == "describe") {
            std::printf("{\"build\": \"%s\"}\n", AERO_BUILD_TYPE);
            std::fflush(stdout);
        } else {
            client.run(what);
        }
    }
    return 0;
}
