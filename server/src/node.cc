#include "node.h"

#include "info/info.h"

namespace aero_server {

node::node(unsigned index, std::string id, const options& how, const server_clock& clock)
    : index_(index), id_(std::move(id)), options_(how), engine_(static_cast<uint8_t>(index), how, clock) {}

std::string node::reserve_port(uint16_t port) {
    bound_socket got = bind_socket(options_.host, port);
    if (got.fd < 0) return got.problem;
    held_ = got.fd;
    port_ = got.port;
    return {};
}

std::string node::start() {
    if (running()) return {};
    // While a stopped node holds its port with a socket that does not listen, nobody else can take it.
    listening_ = held_;
    held_ = -1;
    if (listening_ < 0) {
        bound_socket got = bind_socket(options_.host, port_);
        if (got.fd < 0) return got.problem;
        listening_ = got.fd;
    }
    if (!start_listening(listening_)) {
        close_socket(listening_);
        listening_ = -1;
        return address_of(index_) + ": cannot listen";
    }
    started_ = std::chrono::steady_clock::now();
    const unsigned threads = options_.service_threads == 0 ? 1 : options_.service_threads;
    for (unsigned i = 0; i < threads; ++i) loops_.push_back(std::make_unique<service_loop>(*this));
    for (unsigned i = 0; i < threads; ++i) loops_[i]->start(i == 0 ? listening_ : -1, &loops_);
    return {};
}

void node::stop() {
    if (!running()) return;
    for (const auto& loop : loops_) loop->stop();
    loops_.clear();
    close_socket(listening_);
    listening_ = -1;
    held_ = bind_socket(options_.host, port_).fd;
}

void node::retire() {
    stop();
    if (held_ >= 0) close_socket(held_);
    held_ = -1;
}

std::string node::address_of(unsigned other) const { return address_text(everyone_->host, everyone_->ports[other]); }

size_t node::connections() const noexcept {
    size_t count = 0;
    for (const auto& loop : loops_) count += loop->connections();
    return count;
}

uint64_t node::uptime_s() const noexcept {
    const auto up = std::chrono::steady_clock::now() - started_;
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(up).count());
}

}  // namespace aero_server
