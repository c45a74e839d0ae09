#include "net/service_loop.h"

#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "node.h"

namespace aero_server {

namespace {
constexpr unsigned reads_in_turn = 16;  // of one connection before the others get their turn
}

void service_loop::start(int listening, const std::vector<std::unique_ptr<service_loop>>* siblings) {
    listening_ = listening;
    siblings_ = siblings;
    stopping_ = false;
    poller_ = std::make_unique<poller>();
    poller_->add(wake_.read_end(), &wake_, true, false);
    if (listening_ >= 0) poller_->add(listening_, &listening_, true, false);
    // Signals belong to the program's own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void service_loop::stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    wake_.wake();
    thread_.join();
    connections_.clear();
    connection_count_ = 0;
    for (const int fd : handed_over_) close_socket(fd);
    handed_over_.clear();
    poller_.reset();
}

void service_loop::hand_over(int fd) {
    {
        const std::lock_guard hold(lock_);
        handed_over_.push_back(fd);
    }
    wake_.wake();
}

void service_loop::run() {
    std::vector<poller::event> events;
    while (!stopping_) {
        poller_->wait(-1, events);
        bool incoming = false;
        for (const poller::event& e : events) {
            if (e.tag == &wake_) {
                wake_.drain();
            } else if (e.tag == &listening_) {
                incoming = true;
            } else {
                on_event(*static_cast<connection*>(e.tag), e);
            }
        }
        // Last, so that no event of this round belongs to a connection that took over a closed one's memory.
        if (incoming) accept_all();
        adopt_new();
    }
}

void service_loop::accept_all() {
    while (true) {
        const int fd = accept_connection(listening_);
        if (fd < 0) return;
        here_.count_connection();
        const auto& all = *siblings_;
        const auto idlest = std::min_element(
            all.begin(), all.end(), [](const auto& a, const auto& b) { return a->connections() < b->connections(); });
        (*idlest)->connection_count_.fetch_add(1, std::memory_order_relaxed);
        (*idlest)->hand_over(fd);
    }
}

void service_loop::adopt_new() {
    std::vector<int> incoming;
    {
        const std::lock_guard hold(lock_);
        incoming.swap(handed_over_);
    }
    for (const int fd : incoming) {
        auto made = std::make_unique<connection>(fd, here_);
        poller_->add(fd, made.get(), true, false);
        connections_[fd] = std::move(made);
    }
}

void service_loop::on_event(connection& c, const poller::event& e) {
    if (e.writable && c.waits_to_write && !serve_and_send(c)) return drop(c);
    if (e.readable && !receive(c)) return drop(c);
    watch(c);
}

bool service_loop::receive(connection& c) {
    for (unsigned turn = 0; turn < reads_in_turn; ++turn) {
        if (c.waits_to_write) return true;  // who does not read is not read
        aero::buffer& in = c.talk.input();
        const size_t room = c.talk.wanted();
        uint8_t* to = in.room(room);
        const ssize_t got = recv(c.fd, to, room, 0);
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        if (got == 0) return false;
        in.commit(static_cast<size_t>(got));
        if (!serve_and_send(c)) return false;
        if (static_cast<size_t>(got) < room) return true;
    }
    return true;
}

bool service_loop::serve_and_send(connection& c) {
    while (true) {
        if (!send_output(c)) return false;
        if (c.waits_to_write) return true;
        if (!c.talk.serve()) {
            send_output(c);  // what was answered before the client went astray
            return false;
        }
        if (c.talk.output().empty()) return true;
    }
}

// Sends what can be sent without waiting.
bool service_loop::send_output(connection& c) {
    aero::buffer& out = c.talk.output();
    while (c.sent < out.size()) {
        const ssize_t sent = send(c.fd, out.data() + c.sent, out.size() - c.sent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
            c.waits_to_write = true;
            return true;
        }
        c.sent += static_cast<size_t>(sent);
    }
    out.clear();
    c.sent = 0;
    c.waits_to_write = false;
    return true;
}

void service_loop::watch(connection& c) {
    if (c.watched_to_write == c.waits_to_write) return;
    poller_->change(c.fd, &c, !c.waits_to_write, c.waits_to_write);
    c.watched_to_write = c.waits_to_write;
}

void service_loop::drop(connection& c) {
    poller_->remove(c.fd);
    connections_.erase(c.fd);
    connection_count_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace aero_server
