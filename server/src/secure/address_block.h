// Where a client comes from, and the blocks of addresses that an allowlist names. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace aero_server {

// IPv6, or IPv4 in the form of IPv6 (::ffff:a.b.c.d).
using ip_address = std::array<uint8_t, 16>;

std::optional<ip_address> ip_address_of(const std::string& text);

class address_block {
  public:
    // "10.1.2.3", "10.0.0.0/8", "::1", "fd00::/8". Nothing when it is none of these.
    static std::optional<address_block> of(const std::string& text);
    bool holds(const ip_address& which) const noexcept;

  private:
    ip_address first_{};
    unsigned bits_ = 128;  // of it that count
};

}  // namespace aero_server
