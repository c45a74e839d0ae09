#include "net/service_loop.h"

#include <signal.h>

#include <algorithm>
#include <array>

#include "node.h"

namespace aero_server {

namespace {
constexpr unsigned reads_in_turn = 16;  // of one connection before the others get their turn
constexpr int parked_pause_ms = 1;      // between two tries of requests that wait for an owner
}  // namespace

void service_loop::start(doors listening, const std::vector<std::unique_ptr<service_loop>>* siblings) {
    listening_ = std::move(listening);
    siblings_ = siblings;
    stopping_ = false;
    poller_ = std::make_unique<poller>();
    poller_->add(wake_.read_end(), &wake_, true, false);
    for (int* door : {&listening_.clear, &listening_.secure})
        if (*door >= 0) poller_->add(*door, door, true, false);
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
    parked_.clear();
    connection_count_ = 0;
    for (const aero::io::stream& each : handed_over_) end_socket(each.fd());
    handed_over_.clear();
    poller_.reset();
}

void service_loop::hand_over(aero::io::stream accepted) {
    {
        const std::lock_guard hold(lock_);
        handed_over_.push_back(std::move(accepted));
    }
    wake_.wake();
}

void service_loop::run() {
    std::vector<poller::event> events;
    while (!stopping_) {
        poller_->wait(parked_.empty() ? -1 : parked_pause_ms, events);
        std::array<int, 2> incoming{-1, -1};
        for (const poller::event& e : events) {
            if (e.tag == &wake_) {
                wake_.drain();
            } else if (e.tag == &listening_.clear) {
                incoming[0] = listening_.clear;
            } else if (e.tag == &listening_.secure) {
                incoming[1] = listening_.secure;
            } else {
                on_event(*static_cast<connection*>(e.tag), e);
            }
        }
        serve_parked();
        // Last, so that no event of this round belongs to a connection that took over a closed one's memory.
        for (const int door : incoming)
            if (door >= 0) accept_all(door);
        adopt_new();
    }
}

void service_loop::accept_all(int listening) {
    while (true) {
        const int fd = accept_connection(listening);
        if (fd < 0) return;
        aero::io::opening how;
        if (listening == listening_.secure) {
            if (auto begun = listening_.tls->begin()) how.tls = *std::move(begun);
            if (how.tls == nullptr) {
                close_socket(fd);
                continue;
            }
        }
        here_.count_connection();
        const auto& all = *siblings_;
        const auto idlest = std::min_element(
            all.begin(), all.end(), [](const auto& a, const auto& b) { return a->connections() < b->connections(); });
        (*idlest)->connection_count_.fetch_add(1, std::memory_order_relaxed);
        (*idlest)->hand_over(aero::io::stream::adopt(fd, std::move(how)));
    }
}

void service_loop::adopt_new() {
    std::vector<aero::io::stream> incoming;
    {
        const std::lock_guard hold(lock_);
        incoming.swap(handed_over_);
    }
    for (aero::io::stream& each : incoming) {
        const int fd = each.fd();
        auto made = std::make_unique<connection>(std::move(each), here_);
        if (here_.everybody().security_on()) made->talk.at_the_door().comes_from(peer_address(fd));
        poller_->add(fd, made.get(), true, false);
        connections_[fd] = std::move(made);
    }
}

// False while the handshake goes on; drops the connection when it fails.
bool service_loop::make_ready(connection& c) {
    const aero::io::io_result state = c.link.finish_connect();
    if (state.status == aero::io::io_status::ok) {
        c.ready = true;
        if (c.link.tls() != nullptr) c.talk.at_the_door().certified(c.link.tls()->peer_name());
        c.waits_to_write = false;
        return true;
    }
    if (state.status != aero::io::io_status::would_block) return drop(c), false;
    c.waits_to_write = c.link.awaited() == aero::io::readiness::write;
    watch(c);
    return false;
}

void service_loop::on_event(connection& c, const poller::event& e) {
    if (!c.watched_to_read && !c.watched_to_write && e.readable) return drop(c);  // it broke while its request waits
    const bool first = !c.ready;
    if (first && !make_ready(c)) return;
    if (e.writable && c.waits_to_write && !serve_and_send(c)) return drop(c);
    // The end of a handshake may have brought the first request along.
    if ((e.readable || first) && !receive(c)) return drop(c);
    watch(c);
}

bool service_loop::receive(connection& c) {
    // What TLS has opened already makes no descriptor readable, so it is never left for the next turn.
    for (unsigned turn = 0; turn < reads_in_turn || c.link.holds_more(); ++turn) {
        if (c.waits_to_write || c.talk.parked()) return true;  // who does not read, or waits, is not read
        aero::buffer& in = c.talk.input();
        const size_t room = c.talk.wanted();
        uint8_t* to = in.room(room);
        const aero::io::io_result got = c.link.receive_some({to, room});
        if (got.status == aero::io::io_status::would_block) return true;
        if (got.status != aero::io::io_status::ok) return false;
        in.commit(got.bytes);
        if (!serve_and_send(c)) return false;
        if (got.bytes < room) return true;
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
        const aero::io::io_result done = c.link.send_some(out.view().subspan(c.sent));
        if (done.status == aero::io::io_status::would_block) {
            c.waits_to_write = true;
            return true;
        }
        if (done.status != aero::io::io_status::ok) return false;
        c.sent += done.bytes;
    }
    out.clear();
    c.sent = 0;
    c.waits_to_write = false;
    return true;
}

void service_loop::serve_parked() {
    std::vector<int> turn;
    turn.swap(parked_);
    for (const int fd : turn) {
        const auto found = connections_.find(fd);
        if (found == connections_.end()) continue;
        connection& c = *found->second;
        // What was asked meanwhile may wait where no poller sees it: opened by TLS.
        if (serve_and_send(c) && receive(c))
            watch(c);
        else
            drop(c);
    }
}

void service_loop::watch(connection& c) {
    const bool parked = c.talk.parked();
    if (parked && std::find(parked_.begin(), parked_.end(), c.link.fd()) == parked_.end())
        parked_.push_back(c.link.fd());
    const bool read = !c.waits_to_write && !parked;
    if (c.watched_to_read == read && c.watched_to_write == c.waits_to_write) return;
    poller_->change(c.link.fd(), &c, read, c.waits_to_write);
    c.watched_to_read = read;
    c.watched_to_write = c.waits_to_write;
}

void service_loop::drop(connection& c) {
    const int fd = c.link.fd();
    poller_->remove(fd);
    std::erase(parked_, fd);
    connections_.erase(fd);
    connection_count_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace aero_server
