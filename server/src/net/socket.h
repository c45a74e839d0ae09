// Listening sockets and what every connection needs set. Thin wrappers; descriptors are plain numbers owned by the
// caller.
#pragma once

#include <cstdint>
#include <string>

#include "secure/address_block.h"

namespace aero_server {

struct bound_socket {
    int fd = -1;
    uint16_t port = 0;
    std::string problem;  // why there is none
};

// A socket bound to host:port (0: any free one). Not yet listening: the port is held, and connecting to it is refused.
bound_socket bind_socket(const std::string& host, uint16_t port);
bool start_listening(int fd);
// A new connection, ready for use; -1 when none waits. Out of descriptors, it waits a little: the next call finds the
// same connection again.
int accept_connection(int listening);
ip_address peer_address(int fd);  // zeros when it is gone
// Ends the connection, or the listening, even when a forked child still holds a copy of the descriptor.
void end_socket(int fd);
void close_socket(int fd);  // the same, and gives the descriptor back

// Wakes a thread that waits in a poller, from any other thread.
class wake_pipe {
  public:
    wake_pipe();
    ~wake_pipe();
    wake_pipe(const wake_pipe&) = delete;
    wake_pipe& operator=(const wake_pipe&) = delete;

    int read_end() const noexcept { return ends_[0]; }
    void wake() const noexcept;
    void drain() const noexcept;

  private:
    int ends_[2] = {-1, -1};
};

}  // namespace aero_server
