#include "secure/address_block.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace aero_server {

namespace {
constexpr unsigned mapped_bits = 96;  // of an IPv4 address in the form of IPv6, before its own
}

std::optional<ip_address> ip_address_of(const std::string& text) {
    ip_address made{};
    if (inet_pton(AF_INET6, text.c_str(), made.data()) == 1) return made;
    made.fill(0);
    made[10] = made[11] = 0xFF;
    if (inet_pton(AF_INET, text.c_str(), made.data() + mapped_bits / 8) == 1) return made;
    return std::nullopt;
}

std::optional<address_block> address_block::of(const std::string& text) {
    const size_t slash = text.find('/');
    const std::string address = text.substr(0, slash);
    const auto first = ip_address_of(address);
    if (!first) return std::nullopt;
    address_block made;
    made.first_ = *first;
    if (slash == std::string::npos) return made;
    const unsigned before = address.find(':') == std::string::npos ? mapped_bits : 0;
    unsigned bits = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + slash + 1, end, bits);
    if (read.ec != std::errc() || read.ptr != end || bits > 128 - before) return std::nullopt;
    made.bits_ = before + bits;
    return made;
}

bool address_block::holds(const ip_address& which) const noexcept {
    const unsigned whole = bits_ / 8, rest = bits_ % 8;
    if (!std::equal(first_.begin(), first_.begin() + whole, which.begin())) return false;
    return rest == 0 || (first_[whole] ^ which[whole]) >> (8 - rest) == 0;
}

}  // namespace aero_server
