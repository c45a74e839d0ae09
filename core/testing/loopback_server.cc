#include "testing/loopback_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <stdexcept>

#include "io/stream.h"
#include "wire/message.h"

namespace aero::tests {

struct loopback_server::peer {
    io::stream stream;
    buffer input;
};

loopback_server::loopback_server() {
    listen_on(0);
    thread_ = std::thread(&loopback_server::run, this);
}

loopback_server::~loopback_server() { stop(); }

void loopback_server::serve(info_script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
}

void loopback_server::stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    wake_.signal();
    thread_.join();
    ::close(listening_);
}

void loopback_server::start_again() {
    stopping_ = false;
    wake_.clear();
    listen_on(port_);
    thread_ = std::thread(&loopback_server::run, this);
}

void loopback_server::listen_on(uint16_t port) {
    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    socklen_t size = sizeof at;
    if (bind(listening_, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(listening_, 64) != 0 ||
        getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
        throw std::runtime_error("no loopback port could be listened on");
    }
    port_ = ntohs(at.sin_port);
}

void loopback_server::run() {
    std::list<peer> peers;
    std::vector<io::poll_entry> entries;
    while (!stopping_) {
        entries.clear();
        entries.push_back({.fd = wake_.fd(), .interest = io::readiness::read});
        entries.push_back({.fd = listening_, .interest = io::readiness::read});
        for (const peer& each : peers) entries.push_back({.fd = each.stream.fd(), .interest = io::readiness::read});
        io::poll_many(entries, from_ms(1000));
        size_t i = 2;
        for (auto each = peers.begin(); each != peers.end(); ++i) {
            if (entries[i].readable && !answer(*each)) {
                each = peers.erase(each);
            } else {
                ++each;
            }
        }
        if (!entries[1].readable) continue;
        const int fd = accept(listening_, nullptr, nullptr);
        if (fd < 0) continue;
        ++accepted_;
        peers.push_back({.stream = io::stream::adopt(fd), .input = buffer(64 << 10)});
    }
}

// Reads what is there and answers the requests that are whole. False: the connection ends.
bool loopback_server::answer(peer& at) {
    at.input.reserve(at.input.size() + 4096);
    const io::io_result got = at.stream.receive_some(at.input.free_space());
    if (got.status == io::io_status::would_block) return true;
    if (got.status != io::io_status::ok) return false;
    at.input.commit(got.bytes);
    if (at.input.size() < wire::frame_header_size) return true;
    const auto frame = wire::decode_frame_header(at.input.data());
    if (!frame) return false;
    if (at.input.size() < wire::frame_header_size + frame->body_size) return true;
    buffer reply;
    {
        const std::lock_guard lock(mutex_);
        reply = script_.reply_to(as_text(at.input.view().subspan(wire::frame_header_size)));
    }
    at.input.clear();
    byte_view out = reply.view();
    switch (manner_.load()) {
        case manner::answers: break;
        case manner::silent: return true;
        case manner::closes: return false;
        case manner::garbage: out = as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"); break;
        case manner::half: out = out.first(out.size() / 2); break;
    }
    while (!out.empty()) {
        const io::io_result sent = at.stream.send_some(out);
        if (sent.status == io::io_status::ok) out = out.subspan(sent.bytes);
        if (sent.status != io::io_status::ok && sent.status != io::io_status::would_block) return false;
    }
    return manner_ != manner::half;
}

}  // namespace aero::tests
