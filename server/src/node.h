// One node of the server: its data, its address, and the service threads that speak to clients. Can be stopped and
// started again on the same port; its records do not outlive a stop.
//
// `start` and `stop` are called by one thread at a time; everything else is safe from any thread.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "net/service_loop.h"
#include "ring/membership.h"
#include "secure/sessions.h"
#include "secure/users.h"
#include "serve/engine.h"

namespace aero_server {

// Where the nodes of a server are found; complete before the first of them is started.
struct directory {
    std::string host;
    std::vector<std::string> told;        // the address of each that clients are told; empty: `host`
    std::vector<std::string> alternates;  // and the alternate one; empty: there is none
    std::vector<uint16_t> ports;
    std::vector<uint16_t> tls_ports;  // empty: no TLS
    std::shared_ptr<aero::io::tls_context> tls;
};

// What clients ask the addresses of.
enum class service : uint8_t { clear, clear_alternate, tls, tls_alternate };
constexpr bool is_secure(service which) noexcept { return which >= service::tls; }

// The same for the same place in any server, so that a test meets the same ownership each time.
std::string node_id_of(unsigned index);

class node {
  public:
    node(unsigned index, std::string id, const options& how, const server_clock& clock, users& everybody);
    ~node() { retire(); }
    node(const node&) = delete;
    node& operator=(const node&) = delete;

    // Takes the ports, without yet listening on them. Empty when that worked, otherwise why not. 0: any free one; the
    // second port is taken only with TLS.
    std::string reserve_ports(uint16_t clear, uint16_t secure);
    void introduce(membership& ring, const directory& everyone) {
        ring_ = &ring;
        everyone_ = &everyone;
    }
    std::string start();
    void stop();    // the port stays taken, and connecting to it is refused
    void retire();  // for good: the port is free again
    bool running() const noexcept { return !loops_.empty(); }

    unsigned index() const noexcept { return index_; }
    const std::string& id() const noexcept { return id_; }
    uint16_t port() const noexcept { return clear_.port; }
    uint16_t tls_port() const noexcept { return secure_.port; }  // 0: none
    const options& settings() const noexcept { return options_; }
    users& everybody() noexcept { return users_; }
    sessions& logins() noexcept { return sessions_; }
    engine& data() noexcept { return engine_; }
    const membership& ring() const noexcept { return *ring_; }
    membership& ring() noexcept { return *ring_; }
    std::string address_of(unsigned other, service which = service::clear) const;  // empty: it has none

    void count_connection() noexcept { opened_.fetch_add(1, std::memory_order_relaxed); }
    uint64_t connections_opened() const noexcept { return opened_.load(std::memory_order_relaxed); }
    size_t connections() const noexcept;
    uint64_t uptime_s() const noexcept;

  private:
    const unsigned index_;
    const std::string id_;
    const options& options_;
    users& users_;
    sessions sessions_;
    engine engine_;
    membership* ring_ = nullptr;
    const directory* everyone_ = nullptr;
    // A port of ours: held without listening while the node is stopped, so that nobody else takes it.
    struct door {
        uint16_t port = 0;
        int held = -1;
        int listening = -1;

        std::string reserve(const std::string& host, uint16_t wanted);
        std::string open(const std::string& host);
        void shut(const std::string& host);
        void leave();
    };
    door clear_;
    door secure_;
    std::vector<std::unique_ptr<service_loop>> loops_;
    std::atomic<uint64_t> opened_{0};
    std::chrono::steady_clock::time_point started_;
};

}  // namespace aero_server
