#include "io/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

namespace aero::io {

std::string endpoint::text() const {
    const bool bracketed = host.find(':') != std::string::npos;
    return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool endpoint::same_address(const endpoint& other) const noexcept {
    if (address.ss_family != other.address.ss_family) return false;
    if (address.ss_family == AF_INET) {
        const auto& one = reinterpret_cast<const sockaddr_in&>(address);
        const auto& two = reinterpret_cast<const sockaddr_in&>(other.address);
        return one.sin_port == two.sin_port && one.sin_addr.s_addr == two.sin_addr.s_addr;
    }
    if (address.ss_family == AF_INET6) {
        const auto& one = reinterpret_cast<const sockaddr_in6&>(address);
        const auto& two = reinterpret_cast<const sockaddr_in6&>(other.address);
        return one.sin6_port == two.sin6_port && one.sin6_scope_id == two.sin6_scope_id &&
               std::memcmp(&one.sin6_addr, &two.sin6_addr, sizeof one.sin6_addr) == 0;
    }
    return false;
}

void endpoint::set_port(uint16_t to) noexcept {
    port = to;
    if (address.ss_family == AF_INET) reinterpret_cast<sockaddr_in&>(address).sin_port = htons(to);
    if (address.ss_family == AF_INET6) reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(to);
}

result<endpoint> numeric_endpoint(std::string_view host, uint16_t port) {
    endpoint made;
    made.host = host;
    made.port = port;
    // `fe80::1%eth0`: the zone of a link-local address is no part of what inet_pton reads.
    std::string text(host);
    unsigned scope = 0;
    if (const size_t zone = text.find('%'); zone != std::string::npos) {
        scope = if_nametoindex(text.c_str() + zone + 1);
        text.resize(scope == 0 ? 0 : zone);
    }
    auto& four = reinterpret_cast<sockaddr_in&>(made.address);
    if (inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        made.address_size = sizeof four;
        return made;
    }
    auto& six = reinterpret_cast<sockaddr_in6&>(made.address);
    if (inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        six.sin6_scope_id = scope;
        made.address_size = sizeof six;
        return made;
    }
    return fail(code::invalid_host, "'" + std::string(host) + "' is not a numeric address");
}

}  // namespace aero::io
