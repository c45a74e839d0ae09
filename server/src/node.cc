#include "node.h"

#include <cstdio>

#include "info/info.h"

namespace aero_server {

std::string node_id_of(unsigned index) {
    char text[20];
    std::snprintf(text, sizeof text, "BB9%012X", index + 1);
    return text;
}

node::node(unsigned index, std::string id, const options& how, const server_clock& clock, users& everybody)
    : index_(index),
      id_(std::move(id)),
      options_(how),
      users_(everybody),
      engine_(static_cast<uint8_t>(index), how, clock) {}

std::string node::door::reserve(const std::string& host, uint16_t wanted) {
    bound_socket got = bind_socket(host, wanted);
    if (got.fd < 0) return got.problem;
    held = got.fd;
    port = got.port;
    return {};
}

std::string node::door::open(const std::string& host) {
    listening = std::exchange(held, -1);
    if (listening < 0) {
        bound_socket got = bind_socket(host, port);
        if (got.fd < 0) return got.problem;
        listening = got.fd;
    }
    if (start_listening(listening)) return {};
    close_socket(std::exchange(listening, -1));
    return address_text(host, port) + ": cannot listen";
}

void node::door::shut(const std::string& host) {
    if (listening < 0) return;
    close_socket(std::exchange(listening, -1));
    held = bind_socket(host, port).fd;
}

void node::door::leave() { close_socket(std::exchange(held, -1)); }

std::string node::reserve_ports(uint16_t clear, uint16_t secure) {
    std::string problem = clear_.reserve(options_.host, clear);
    if (problem.empty() && options_.tls.enable) problem = secure_.reserve(options_.host, secure);
    return problem;
}

std::string node::start() {
    if (running()) return {};
    for (door* each : {&clear_, &secure_}) {
        if (each->port == 0) continue;
        if (std::string problem = each->open(options_.host); !problem.empty()) {
            clear_.shut(options_.host);
            return problem;
        }
    }
    started_ = std::chrono::steady_clock::now();
    const unsigned threads = options_.service_threads == 0 ? 1 : options_.service_threads;
    for (unsigned i = 0; i < threads; ++i) loops_.push_back(std::make_unique<service_loop>(*this));
    const service_loop::doors open{clear_.listening, secure_.listening, everyone_->tls};
    for (unsigned i = 0; i < threads; ++i) loops_[i]->start(i == 0 ? open : service_loop::doors{}, &loops_);
    return {};
}

void node::stop() {
    if (!running()) return;
    for (const auto& loop : loops_) loop->stop();
    loops_.clear();
    sessions_.clear();
    clear_.shut(options_.host);
    secure_.shut(options_.host);
}

void node::retire() {
    stop();
    clear_.leave();
    secure_.leave();
}

std::string node::address_of(unsigned other, service which) const {
    if (is_secure(which) && everyone_->tls_ports.empty()) return {};
    const uint16_t port = (is_secure(which) ? everyone_->tls_ports : everyone_->ports)[other];
    const bool alternate = which == service::clear_alternate || which == service::tls_alternate;
    const std::vector<std::string>& named = alternate ? everyone_->alternates : everyone_->told;
    if (!named.empty() && !named[other].empty()) return address_text(named[other], port);
    return alternate ? std::string() : address_text(everyone_->host, port);
}

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
