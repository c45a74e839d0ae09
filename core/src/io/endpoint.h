// A resolved address to connect to, with the text it came from. Plain value.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "aero/error.h"

namespace aero::io {

struct endpoint {
    std::string host;  // as configured or as a node announced it; IPv6 without brackets
    uint16_t port = 0;
    sockaddr_storage address{};
    socklen_t address_size = 0;
    std::string tls_name{};  // what its certificate must be for; empty: `host`

    void set_port(uint16_t to) noexcept;
    std::string text() const;  // "host:port", IPv6 in brackets
    bool same_address(const endpoint& other) const noexcept;
};

// An endpoint of a numeric address; nothing is looked up. Fails with code::invalid_host on any other text.
result<endpoint> numeric_endpoint(std::string_view host, uint16_t port);

}  // namespace aero::io
