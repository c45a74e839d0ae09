#include "server.h"

#include <signal.h>

#include "wire/protocol.h"

namespace aero_server {

server::server(options how) : options_(std::move(how)) {}

std::string server::check_options() const {
    if (options_.nodes < 1 || options_.nodes > nodes_max)
        return "nodes is " + std::to_string(options_.nodes) + ": expected 1 to " + std::to_string(nodes_max);
    if (options_.replication_factor < 1) return "replication_factor is 0: expected at least 1";
    if (options_.namespaces.empty()) return "namespaces is empty: expected at least one";
    for (const std::string& name : options_.namespaces)
        if (name.empty() || name.size() > aero::wire::namespace_size_max)
            return "namespace '" + name + "' is not 1 to 31 bytes long";
    if (!options_.rack_ids.empty() && options_.rack_ids.size() != options_.nodes)
        return "rack_ids names " + std::to_string(options_.rack_ids.size()) + " racks for " +
               std::to_string(options_.nodes) + " nodes: expected one of each";
    if (options_.tls.enable && options_.tls.certfile.empty() && options_.tls.certdata.empty())
        return "TLS needs a certificate of the server";
    const unsigned ports = options_.tls.enable ? 2 * options_.nodes : options_.nodes;
    if (options_.base_port != 0 && options_.base_port + ports - 1 > 65535)
        return "port " + std::to_string(options_.base_port) + " leaves no room for " + std::to_string(options_.nodes) +
               " nodes";
    return {};
}

std::string server::start() {
    const std::lock_guard hold(lock_);
    if (ring_ != nullptr) return "the server was started before";
    if (std::string problem = check_options(); !problem.empty()) return problem;
    if (std::string problem = users_.take(options_.users); !problem.empty()) return problem;
    directory_.host = options_.host;
    directory_.told.assign(options_.nodes, options_.access);
    directory_.alternates.assign(options_.nodes, options_.alternate);
    if (options_.tls.enable) {
        auto context = aero::io::tls_context::make(options_.tls, aero::io::tls_context::side::server);
        if (!context) return context.error().text;
        directory_.tls = *std::move(context);
    }
    std::vector<std::string> ids;
    std::vector<engine*> engines;
    for (unsigned i = 0; i < options_.nodes; ++i) {
        nodes_.push_back(std::make_unique<node>(i, node_id_of(i), options_, clock_, users_));
        const auto port = static_cast<uint16_t>(options_.base_port == 0 ? 0 : options_.base_port + i);
        const auto tls_port = static_cast<uint16_t>(options_.base_port == 0 ? 0 : port + options_.nodes);
        if (std::string problem = nodes_.back()->reserve_ports(port, tls_port); !problem.empty()) {
            nodes_.clear();
            return problem;
        }
        directory_.ports.push_back(nodes_.back()->port());
        if (options_.tls.enable) directory_.tls_ports.push_back(nodes_.back()->tls_port());
        ids.push_back(nodes_.back()->id());
        engines.push_back(&nodes_.back()->data());
    }
    ring_ = std::make_unique<cluster>(options_, std::move(ids), std::move(engines));
    for (const auto& n : nodes_) n->introduce(*ring_, directory_);
    ring_->form();
    for (const auto& n : nodes_)
        if (std::string problem = n->start(); !problem.empty()) return problem;
    running_ = true;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    expiry_ = std::thread([this] { run_expiry(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return {};
}

std::string server::stop_node(unsigned index) {
    const std::lock_guard hold(lock_);
    if (!running_) return "the server is not running";
    if (index >= nodes_.size()) return "there is no node " + std::to_string(index);
    nodes_[index]->stop();
    ring_->leave(index);
    return {};
}

std::string server::start_node(unsigned index) {
    const std::lock_guard hold(lock_);
    if (!running_) return "the server is not running";
    if (index >= nodes_.size()) return "there is no node " + std::to_string(index);
    if (nodes_[index]->running()) return {};
    ring_->join(index);
    std::string problem = nodes_[index]->start();
    if (!problem.empty()) ring_->leave(index);
    return problem;
}

void server::shutdown() {
    {
        const std::lock_guard hold(lock_);
        for (const auto& n : nodes_) n->retire();
        running_ = false;
    }
    if (ring_) ring_->shutdown();
    stop_expiry_.notify_all();
    if (expiry_.joinable()) expiry_.join();
}

std::vector<std::pair<std::string, uint16_t>> server::endpoints() const {
    const std::lock_guard hold(lock_);
    std::vector<std::pair<std::string, uint16_t>> found;
    for (const uint16_t port : directory_.ports) found.emplace_back(directory_.host, port);
    return found;
}

std::vector<std::pair<std::string, uint16_t>> server::tls_endpoints() const {
    const std::lock_guard hold(lock_);
    std::vector<std::pair<std::string, uint16_t>> found;
    for (const uint16_t port : directory_.tls_ports) found.emplace_back(directory_.host, port);
    return found;
}

std::vector<std::string> server::node_ids() const {
    const std::lock_guard hold(lock_);
    std::vector<std::string> found;
    for (const auto& n : nodes_) found.push_back(n->id());
    return found;
}

// Reads pass over expired records by themselves; this gives their memory back.
void server::run_expiry() {
    std::unique_lock hold(lock_);
    while (running_) {
        const unsigned period_s = options_.nsup_period_s == 0 ? 3600 : options_.nsup_period_s;
        if (stop_expiry_.wait_for(hold, std::chrono::seconds(period_s), [&] { return !running_; })) return;
        if (options_.nsup_period_s == 0) continue;
        hold.unlock();
        for (const auto& n : nodes_)
            for (const auto& in : n->data().stores()) in->remove_expired();
        hold.lock();
    }
}

}  // namespace aero_server
