#include "values/order.h"

#include <algorithm>

#include "wire/msgpack.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::byte_view;
using aero::reader;
using std::strong_ordering;
using wire::pack_kind;
using wire::pack_token;

namespace {

enum class rank : uint8_t { nil, boolean, integer, string, list, map, blob, floating, geojson, extension, infinity };

rank rank_of(const pack_token& token) noexcept {
    switch (token.kind) {
        case pack_kind::nil: return rank::nil;
        case pack_kind::boolean: return rank::boolean;
        case pack_kind::integer:
        case pack_kind::unsigned_integer: return rank::integer;
        case pack_kind::floating: return rank::floating;
        case pack_kind::list: return rank::list;
        case pack_kind::map: return rank::map;
        case pack_kind::bytes:
            if (token.type == wire::particle::string) return rank::string;
            return token.type == wire::particle::geojson ? rank::geojson : rank::blob;
        case pack_kind::extension:
            return token.extension_type == 0xff && token.data.size() == 1 && token.data[0] == 1 ? rank::infinity
                                                                                                : rank::extension;
    }
    return rank::extension;
}

strong_ordering compare_bytes(byte_view a, byte_view b) noexcept {
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

strong_ordering compare_integers(const pack_token& a, const pack_token& b) noexcept {
    const bool a_big = a.kind == pack_kind::unsigned_integer;
    const bool b_big = b.kind == pack_kind::unsigned_integer;
    if (a_big != b_big) return a_big ? strong_ordering::greater : strong_ordering::less;
    return a_big ? a.unsigned_integer <=> b.unsigned_integer : a.integer <=> b.integer;
}

strong_ordering compare_floats(double a, double b) noexcept {
    if (a < b) return strong_ordering::less;
    return a > b ? strong_ordering::greater : strong_ordering::equal;
}

// Passes over the order marker of a container whose head was read; gives the number of values that follow.
uint64_t values_inside(reader& from, const pack_token& head) noexcept {
    const unsigned each = head.kind == pack_kind::map ? 2 : 1;
    uint64_t count = uint64_t{head.count} * each;
    if (head.count == 0) return 0;
    reader ahead = from;
    pack_token first;
    if (!wire::read_token(ahead, first) || !wire::is_order_marker(first)) return count;
    if (each == 2) wire::skip_value(ahead);
    from = ahead;
    return count - each;
}

strong_ordering compare_containers(reader& a, const pack_token& a_head, reader& b, const pack_token& b_head,
                                   unsigned depth) noexcept {
    const uint64_t a_count = values_inside(a, a_head);
    const uint64_t b_count = values_inside(b, b_head);
    if (a_head.kind == pack_kind::map && a_count != b_count) return a_count <=> b_count;
    for (uint64_t i = 0; i < std::min(a_count, b_count); ++i) {
        const auto order = compare_values(a, b, depth + 1);
        if (order != 0 || !a.ok() || !b.ok()) return order;
    }
    return a_count <=> b_count;
}

}  // namespace

strong_ordering compare_values(reader& a, reader& b, unsigned depth) noexcept {
    pack_token left;
    pack_token right;
    if (depth > wire::depth_max || !wire::read_token(a, left) || !wire::read_token(b, right)) {
        a.fail();
        return strong_ordering::equal;
    }
    const rank kind = rank_of(left);
    if (kind != rank_of(right)) return kind <=> rank_of(right);
    switch (kind) {
        case rank::nil:
        case rank::infinity: return strong_ordering::equal;
        case rank::boolean: return left.boolean <=> right.boolean;
        case rank::integer: return compare_integers(left, right);
        case rank::floating: return compare_floats(left.floating, right.floating);
        case rank::string:
        case rank::blob:
        case rank::geojson:
            if (const auto order = compare_bytes(left.data, right.data); order != 0) return order;
            return left.type <=> right.type;
        case rank::list:
        case rank::map: return compare_containers(a, left, b, right, depth);
        case rank::extension:
            if (left.extension_type != right.extension_type) return left.extension_type <=> right.extension_type;
            return compare_bytes(left.data, right.data);
    }
    return strong_ordering::equal;
}

strong_ordering compare_values(byte_view a, byte_view b) noexcept {
    reader left(a);
    reader right(b);
    return compare_values(left, right);
}

}  // namespace aero_server
