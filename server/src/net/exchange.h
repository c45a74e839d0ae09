// Blocking sockets with deadlines, for threads that do nothing else: how the processes of a cluster speak to each
// other.
//
//     | size of the rest (32 bits) | bytes |
//
// Descriptors belong to the caller. A call that fails leaves the connection good for nothing but closing.
#pragma once

#include <string>

#include "base/buffer.h"
#include "base/time.h"

namespace aero_server {

inline constexpr size_t parcel_size_max = 8u << 20;

// -1 when nobody accepts in time.
int connect_until(const std::string& host, uint16_t port, aero::nanos deadline);
// A connected peer that has closed or broken the connection, or says what nobody asked.
bool is_spent(int fd);
bool send_parcel(int fd, aero::byte_view bytes, aero::nanos deadline);
// Replaces `to`. False past the deadline, at the end of the connection and for a parcel that is too large.
bool receive_parcel(int fd, aero::buffer& to, aero::nanos deadline);
// Whether bytes, or the end, arrive in time.
bool wait_readable(int fd, aero::nanos deadline);

}  // namespace aero_server
