// Connections of the simulated world: delay, partial reads and writes, and everything that goes wrong with real ones.
//
// An address may be one where TLS is spoken: its service gives and takes plain bytes all the same.
//
// A connection has two ends. The client's end is used like a socket: connect, send some, receive some, close; what
// changes is told to the watcher. The server's end is a sim_service, which is given whole runs of bytes and answers
// when it likes.
//
// What may befall a connection is drawn when it is made: refused; its connect lost; accepted late; stalled or cut after
// some bytes, in either direction. What stalls (lost packets, a frozen process) goes on when the network heals, for the
// other side's kernel sends again, even on behalf of a client that has closed since. A node that loses its power leaves
// connections half open: they look well until something is sent to the node's next life, or until the network heals.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/buffer.h"
#include "io/stream.h"
#include "testing/sim_tls.h"

namespace aero::tests {

using connection_id = uint64_t;

// How bad the network is. Chances are per connection; delays are drawn evenly up to the maximum, per run of bytes.
struct sim_weather {
    double refuse = 0, lose_connect = 0, slow_accept = 0, stall = 0, cut = 0;
    double slow = 0;     // that a run of bytes takes ten times as long
    double partial = 0;  // that a send or receive moves less than it could, or nothing
    double damage = 0;   // that a run of bytes arrives with a bit turned, where TLS sees to it that this shows
    nanos delay_min = 20'000;
    nanos delay_max = 400'000;
    size_t fault_bytes_max = 2000;  // stalls and cuts come within so many bytes
};

// The client's machine is told here.
class sim_watcher {
  public:
    virtual void on_change(connection_id id) = 0;  // connected, failed, readable or writable
    // The first byte of a request was taken from the client, or by TLS its first record; this is all of it.
    virtual void on_request(byte_view request, bool in_clear) = 0;

  protected:
    ~sim_watcher() = default;
};

// The server's end: what listens at an address.
class sim_service {
  public:
    virtual void on_bytes(connection_id id, byte_view bytes) = 0;
    virtual void on_gone(connection_id id) = 0;

  protected:
    ~sim_service() = default;
};

class sim_network {
  public:
    explicit sim_network(sim_world& world) : world_(world) {}
    void set_watcher(sim_watcher* watcher) noexcept { watcher_ = watcher; }

    // For connections to come.
    void set_weather(const sim_weather& weather) { weather_ = weather; }
    // All is well from now on: what was lost is sent again, half-open and damaged connections are reset.
    void heal();

    // Server side.
    void listen(const std::string& address, sim_service* service, sim_tls_host* by_tls = nullptr);
    enum class death : uint8_t { reset, silent };
    void shut(const std::string& address, death how);
    void freeze(const std::string& address) { frozen_.insert(address); }
    void thaw(const std::string& address);
    // `read` is called once the client has received all of it, if it ever does.
    void reply(connection_id id, byte_view bytes, std::function<void()> read = {});
    void hang_up(connection_id id);

    // Client side.
    connection_id connect(const std::string& to);
    struct condition {
        bool connected = false, readable = false, writable = false, broken = false;
        int error = 0;
    };
    condition look(connection_id id) const;
    io::io_result send(connection_id id, byte_view bytes);
    io::io_result receive(connection_id id, byte_span into, bool peek);
    int take_error(connection_id id);
    void close(connection_id id);
    const std::string& address_of(connection_id id) const { return connections_.at(id).address; }
    // Where something was said to a node that has not shown to be who was asked for; empty: nowhere.
    const std::string& misled() const noexcept { return misled_; }
    size_t secured() const noexcept {  // ends of nodes that speak TLS
        return static_cast<size_t>(
            std::ranges::count_if(connections_, [](const auto& each) { return each.second.secure != nullptr; }));
    }
    bool swallows() const noexcept { return !dark_.empty(); }  // connects to some address are never answered

  private:
    enum class fault : uint8_t { none, stall_out, stall_in, cut_out, cut_in };
    struct connection {
        std::string address;
        sim_service* service = nullptr;
        sim_random chances{0};
        fault befalls = fault::none;
        size_t fault_at = 0;                // bytes in the direction of the fault
        size_t out = 0, in = 0;             // bytes so far: client to server, server to client
        nanos out_until = 0, in_until = 0;  // when the last run of bytes arrives: runs do not overtake each other
        buffer input;                       // arrived, not yet received
        size_t taken = 0;                   // of input
        nanos arrived = 0;                  // its last run
        buffer held_out, held_in;           // stalled on the way
        size_t request_left = 0;            // of the request that is being sent
        std::unique_ptr<sim_tls> secure;    // where TLS is spoken
        buffer opened;                      // of a request of which some records were sent
        bool damaged = false;
        size_t replied = 0, received = 0;               // bytes that the service gave, that the client took
        std::map<size_t, std::function<void()>> marks;  // by bytes received
        int error = 0;
        bool connect_lost = false, connected = false, ended = false, reset = false, closed = false;
        bool waits_to_write = false, half_open = false, gone = false;
    };
    connection* find(connection_id id) noexcept;
    nanos arrival(connection& on, nanos& until);
    void finish_connect(connection_id id, bool refused);
    void note_sent(connection& on, byte_view bytes, size_t count);
    void transmit(connection_id id, byte_view bytes, std::function<void()> read);
    void serve(connection_id id, byte_view arriving);
    void deliver_out(connection_id id, buffer bytes);
    void deliver_in(connection_id id, buffer bytes);
    void end_in(connection_id id, bool reset);
    void forget_if_over(connection_id id);
    void told(connection_id id) {
        if (watcher_ != nullptr) watcher_->on_change(id);
    }

    sim_world& world_;
    sim_watcher* watcher_ = nullptr;
    sim_weather weather_;
    struct listener {
        sim_service* service = nullptr;
        sim_tls_host* by_tls = nullptr;
    };
    std::map<std::string, listener> services_;
    std::set<std::string> frozen_;
    std::set<std::string> dark_;  // addresses whose node lost its power
    std::map<std::string, uint64_t> made_;
    std::map<connection_id, connection> connections_;
    connection_id last_ = 0;
    std::string misled_;
};

}  // namespace aero::tests
