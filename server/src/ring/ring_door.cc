#include "ring/ring_door.h"

#include <fcntl.h>
#include <signal.h>

#include "net/exchange.h"
#include "net/socket.h"

namespace aero_server {

namespace {

constexpr size_t visitors_max = 256;
constexpr int64_t look_up_ms = 100;  // how often a waiting thread looks whether it shall end
constexpr int64_t parcel_ms = 5000;  // for a request once begun, and its answer

aero::nanos in_ms(int64_t ms) { return aero::monotonic_now() + aero::from_ms(ms); }

}  // namespace

std::string ring_door::start(const std::string& host, uint16_t port, answering how) {
    const bound_socket got = bind_socket(host, port);
    if (got.fd < 0) return got.problem;
    if (!start_listening(got.fd)) {
        close_socket(got.fd);
        return host + ":" + std::to_string(port) + ": cannot listen";
    }
    how_ = std::move(how);
    listening_ = got.fd;
    // Signals belong to the program's own threads; those of the visitors inherit this.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    accepts_ = std::thread([this] { accept_visitors(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return {};
}

void ring_door::stop() {
    stopping_ = true;
    if (accepts_.joinable()) accepts_.join();
    for (visitor& who : visitors_) {
        end_socket(who.fd);
        who.serves.join();
        close_socket(who.fd);
    }
    visitors_.clear();
    close_socket(listening_);
    listening_ = -1;
}

void ring_door::accept_visitors() {
    while (!stopping_) {
        if (!wait_readable(listening_, in_ms(look_up_ms))) continue;
        const int fd = accept_connection(listening_);
        if (fd < 0) continue;
        forget_those_who_left();
        if (visitors_.size() >= visitors_max) {
            close_socket(fd);
            continue;
        }
        visitor& made = visitors_.emplace_back();
        made.fd = fd;
        made.serves = std::thread([this, &made] { serve(made); });
    }
}

void ring_door::forget_those_who_left() {
    for (auto at = visitors_.begin(); at != visitors_.end();) {
        if (!at->left) {
            ++at;
            continue;
        }
        at->serves.join();
        close_socket(at->fd);
        at = visitors_.erase(at);
    }
}

void ring_door::serve(visitor& who) {
    aero::buffer request;
    aero::buffer answer;
    while (!stopping_) {
        if (!wait_readable(who.fd, in_ms(look_up_ms))) continue;
        if (!receive_parcel(who.fd, request, in_ms(parcel_ms))) break;
        answer.clear();
        if (!how_(request.view(), answer) || !send_parcel(who.fd, answer.view(), in_ms(parcel_ms))) break;
    }
    end_socket(who.fd);
    who.left = true;
}

}  // namespace aero_server
