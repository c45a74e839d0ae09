#include "wire/partition_map.h"

#include <bit>
#include <charconv>
#include <memory>
#include <optional>

#include "base/base64.h"

namespace aero::wire {

namespace {

constexpr size_t bitmap_text_size = (partitions / 8 + 2) / 3 * 4;

std::unexpected<error> bad(std::string_view what, std::string_view text) {
    constexpr size_t shown_max = 80;
    std::string message(what);
    message += ": '";
    message += text.substr(0, shown_max);
    message += text.size() > shown_max ? "...'" : "'";
    return fail(code::bad_reply, std::move(message));
}

template <class Integer>
std::optional<Integer> number_of(std::string_view text) noexcept {
    Integer number{};
    const char* const begin = std::to_address(text.begin());
    const char* const end = begin + text.size();
    const auto parsed = std::from_chars(begin, end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return number;
}

// A cursor over text.
class scanner {
  public:
    explicit scanner(std::string_view text) noexcept : left_(text) {}

    bool at_end() const noexcept { return left_.empty(); }
    std::string_view left() const noexcept { return left_; }
    bool next_is(char c) const noexcept { return !left_.empty() && left_[0] == c; }
    bool eat(char c) noexcept {
        if (!next_is(c)) return false;
        left_.remove_prefix(1);
        return true;
    }
    // Up to the first of `ends`, which stays; all of the text when none is there.
    std::string_view until(std::string_view ends) noexcept {
        const std::string_view taken = left_.substr(0, left_.find_first_of(ends));
        left_.remove_prefix(taken.size());
        return taken;
    }

  private:
    std::string_view left_;
};

std::optional<host> scan_host(scanner& from, uint16_t default_port) {
    host found;
    if (from.eat('[')) {
        found.name = from.until("[],");
        if (!from.eat(']')) return std::nullopt;
    } else {
        found.name = from.until(":,]");
    }
    if (found.name.empty()) return std::nullopt;
    found.port = default_port;
    if (from.eat(':')) {
        const auto port = number_of<uint16_t>(from.until(",]"));
        if (!port) return std::nullopt;
        found.port = *port;
    }
    return found;
}

// `[HOST,HOST]`, or nothing at all for a node that has left.
bool scan_hosts(scanner& from, uint16_t default_port, std::vector<host>& to) {
    if (!from.eat('[')) return true;
    if (from.eat(']')) return true;
    do {
        std::optional<host> found = scan_host(from, default_port);
        if (!found) return false;
        to.push_back(std::move(*found));
    } while (from.eat(','));
    return from.eat(']');
}

std::optional<peer> scan_peer(scanner& from, uint16_t default_port) {
    peer found;
    if (!from.eat('[')) return std::nullopt;
    found.node_id = from.until(",]");
    if (found.node_id.empty() || !from.eat(',')) return std::nullopt;
    found.tls_name = from.until(",]");
    if (!from.eat(',') || !scan_hosts(from, default_port, found.hosts) || !from.eat(']')) return std::nullopt;
    return found;
}

std::optional<replica_claim> scan_claim(scanner& from) {
    replica_claim claim;
    claim.name_space = from.until(":");
    if (claim.name_space.empty() || !from.eat(':')) return std::nullopt;
    const auto regime = number_of<uint32_t>(from.until(","));
    if (!regime || !from.eat(',')) return std::nullopt;
    const auto count = number_of<uint32_t>(from.until(",;"));
    if (!count || *count > from.left().size() / bitmap_text_size) return std::nullopt;
    claim.regime = *regime;
    claim.replicas.resize(*count);
    for (partition_set& replica : claim.replicas) {
        if (!from.eat(',') || !base64_decode(from.until(",;"), replica.bits)) return std::nullopt;
    }
    return claim;
}

void append_host(std::string& to, const host& of, uint16_t default_port) {
    const bool is_ipv6 = of.name.find(':') != std::string::npos;
    if (is_ipv6) to += '[';
    to += of.name;
    if (is_ipv6) to += ']';
    if (of.port != default_port) (to += ':') += std::to_string(of.port);
}

}  // namespace

unsigned partition_set::count() const noexcept {
    unsigned total = 0;
    for (const uint8_t byte : bits) total += static_cast<unsigned>(std::popcount(byte));
    return total;
}

result<std::vector<replica_claim>> decode_replicas(std::string_view text) {
    std::vector<replica_claim> claims;
    scanner from(text);
    while (!from.at_end()) {
        std::optional<replica_claim> claim = scan_claim(from);
        if (!claim || (!from.at_end() && !from.eat(';'))) return bad("A partition map cannot be read", from.left());
        claims.push_back(std::move(*claim));
    }
    return claims;
}

std::string encode_replicas(const std::vector<replica_claim>& claims) {
    std::string text;
    for (const replica_claim& claim : claims) {
        if (!text.empty()) text += ';';
        text += claim.name_space;
        (text += ':') += std::to_string(claim.regime);
        (text += ',') += std::to_string(claim.replicas.size());
        for (const partition_set& replica : claim.replicas) (text += ',') += base64_encode(replica.bits);
    }
    return text;
}

result<peer_list> decode_peers(std::string_view text) {
    peer_list list;
    scanner from(text);
    const auto generation = number_of<uint64_t>(from.until(","));
    if (!generation || !from.eat(',')) return bad("A list of peers has no generation", text);
    list.generation = *generation;
    if (const std::string_view port = from.until(","); !port.empty()) {
        const auto number = number_of<uint16_t>(port);
        if (!number) return bad("A list of peers has no port", text);
        list.default_port = *number;
    }
    if (!from.eat(',') || !from.eat('[')) return bad("A list of peers does not begin", text);
    if (!from.next_is(']')) {
        do {
            std::optional<peer> found = scan_peer(from, list.default_port);
            if (!found) return bad("A peer cannot be read", from.left());
            list.peers.push_back(std::move(*found));
        } while (from.eat(','));
    }
    if (!from.eat(']') || !from.at_end()) return bad("A list of peers does not end", from.left());
    return list;
}

std::string encode_peers(const peer_list& list) {
    std::string text = std::to_string(list.generation);
    text += ',';
    if (list.default_port != 0) text += std::to_string(list.default_port);
    text += ",[";
    for (size_t i = 0; i < list.peers.size(); ++i) {
        const peer& one = list.peers[i];
        text += i == 0 ? "[" : ",[";
        ((text += one.node_id) += ',') += one.tls_name;
        text += ',';
        if (!one.hosts.empty()) text += '[';
        for (size_t h = 0; h < one.hosts.size(); ++h) {
            if (h != 0) text += ',';
            append_host(text, one.hosts[h], list.default_port);
        }
        if (!one.hosts.empty()) text += ']';
        text += ']';
    }
    text += ']';
    return text;
}

result<std::vector<host>> decode_service(std::string_view text, uint16_t default_port) {
    std::vector<host> hosts;
    if (text.empty()) return hosts;
    scanner from(text);
    do {
        std::optional<host> found = scan_host(from, default_port);
        if (!found) return bad("A list of addresses cannot be read", text);
        hosts.push_back(std::move(*found));
    } while (from.eat(','));
    if (!from.at_end()) return bad("A list of addresses does not end", text);
    return hosts;
}

std::string encode_service(const std::vector<host>& hosts) {
    std::string text;
    for (const host& one : hosts) {
        if (!text.empty()) text += ',';
        text += to_string(one);
    }
    return text;
}

std::string to_string(const host& of) {
    std::string text;
    append_host(text, of, 0);
    if (of.port == 0) text += ":0";
    return text;
}

}  // namespace aero::wire
