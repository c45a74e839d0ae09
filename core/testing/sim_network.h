// Connections of the simulated world: delay, partial reads and writes, and everything that goes wrong with real ones.
//
// A connection has two ends. The client's end is used like a socket: connect, send some, receive some, close; what
// happens is told to its watcher. The server's end is a sim_service, which is given whole runs of bytes and answers
// when it likes.
//
// What may befall a connection is drawn when it is made: refused; never accepted; accepted and never answered; a black
// hole after some bytes, in either direction; cut after some bytes, in either direction.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/buffer.h"
#include "io/stream.h"
#include "testing/sim_world.h"

namespace aero::tests {

using connection_id = uint64_t;

// How bad the network is. Chances are per connection; delays are drawn evenly up to the maximum, per run of bytes.
struct sim_weather {
    double refuse = 0, no_accept = 0, silent = 0, black_hole = 0, cut = 0;
    double slow = 0;  // that a run of bytes takes ten times as long
    nanos delay_min = 20'000;
    nanos delay_max = 400'000;
    size_t fault_bytes_max = 4000;  // black holes and cuts come within so many bytes
};

// The client's end is told here. Any of it may be asked to close its connection meanwhile.
class sim_watcher {
  public:
    virtual void on_connected(connection_id id) = 0;
    virtual void on_failed(connection_id id, int error_number) = 0;  // connecting failed; the connection is gone
    virtual void on_readable(connection_id id) = 0;                  // bytes, the end or an error can be received
    virtual void on_writable(connection_id id) = 0;                  // after a send that would block

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
    sim_network(sim_world& world, sim_weather weather) : world_(world), weather_(weather) {}

    // For connections to come; those that are there are spared what has not befallen them yet.
    void set_weather(const sim_weather& weather);

    // Server side.
    void listen(const io::endpoint& at, sim_service* service) { services_[at.text()] = service; }
    void shut(const io::endpoint& at);  // refuses from now on; every connection there is reset
    void reply(connection_id id, byte_view bytes);
    void hang_up(connection_id id);

    // Client side.
    connection_id connect(const io::endpoint& to, sim_watcher* watcher);
    io::io_result send(connection_id id, byte_view bytes);
    io::io_result receive(connection_id id, byte_span into);
    bool stale(connection_id id) const;
    void close(connection_id id);
    size_t open() const noexcept { return connections_.size(); }

  private:
    enum class fault : uint8_t { none, silent, black_hole_out, black_hole_in, cut_out, cut_in };
    struct connection {
        std::string address;
        sim_watcher* watcher;
        sim_service* service;
        fault befalls = fault::none;
        size_t fault_at = 0;                // bytes in the direction of the fault
        size_t out = 0, in = 0;             // bytes so far: client to server, server to client
        nanos out_until = 0, in_until = 0;  // when the last run of bytes arrives: runs do not overtake each other
        buffer input;                       // arrived, not yet received
        size_t taken = 0;                   // of input
        bool connected = false, ended = false, reset = false, waits_to_write = false;
    };
    connection* find(connection_id id) noexcept;
    nanos arrival(nanos& until);
    void deliver_out(connection_id id, buffer bytes);
    void deliver_in(connection_id id, buffer bytes);
    void end_in(connection_id id, bool reset);

    sim_world& world_;
    sim_weather weather_;
    std::map<std::string, sim_service*> services_;
    std::map<connection_id, connection> connections_;
    connection_id last_ = 0;
};

}  // namespace aero::tests
