#include "values/collection.h"

#include <algorithm>
#include <vector>

#include "values/order.h"
#include "wire/msgpack.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::buffer;
using aero::byte_view;
using aero::reader;
using wire::pack_kind;
using wire::pack_token;

namespace {

struct head {
    uint32_t count = 0;  // elements or pairs, without the marker
    uint8_t flags = 0;
};

bool rewrite(reader& from, buffer& to, unsigned depth);

// Reads the marker of a container whose head token was just read.
bool read_marker(reader& from, const pack_token& token, head& found) {
    found.count = token.count;
    if (token.count == 0) return true;
    reader ahead = from;
    pack_token first;
    if (!wire::read_token(ahead, first)) return false;
    if (!wire::is_order_marker(first)) return true;
    const bool is_map = token.kind == pack_kind::map;
    if (is_map && !wire::skip_value(ahead)) return false;
    from = ahead;
    --found.count;
    found.flags = first.extension_type & (order_flag::ordered | (is_map ? order_flag::value_ordered : 0));
    return true;
}

bool is_map_key(const reader& from) {
    reader ahead = from;
    pack_token token;
    if (!wire::read_token(ahead, token)) return false;
    if (token.kind == pack_kind::integer || token.kind == pack_kind::unsigned_integer) return true;
    return token.kind == pack_kind::bytes &&
           (token.type == wire::particle::string || token.type == wire::particle::blob);
}

bool rewrite_list(reader& from, const head& list, buffer& to, unsigned depth) {
    wire::pack_list(to, list.count + (list.flags != 0));
    if (list.flags != 0) wire::pack_extension(to, list.flags, {});
    size_t previous = 0;
    size_t previous_end = 0;
    for (uint32_t i = 0; i < list.count; ++i) {
        const size_t start = to.size();
        if (!rewrite(from, to, depth + 1)) return false;
        if (list.flags != 0 && i != 0 &&
            compare_values({to.data() + previous, previous_end - previous}, {to.data() + start, to.size() - start}) > 0)
            return false;
        previous = start;
        previous_end = to.size();
    }
    return true;
}

struct pair {
    size_t start, key_end, end;
};

// Brings the pairs that stand in `to` from `start` on into the order of their keys. False when two keys are alike.
bool sort_pairs(std::vector<pair>& pairs, buffer& to, size_t start) {
    const auto key_of = [&](const pair& p) { return byte_view{to.data() + p.start, p.key_end - p.start}; };
    std::sort(pairs.begin(), pairs.end(),
              [&](const pair& a, const pair& b) { return compare_values(key_of(a), key_of(b)) < 0; });
    for (size_t i = 1; i < pairs.size(); ++i)
        if (compare_values(key_of(pairs[i - 1]), key_of(pairs[i])) == 0) return false;
    buffer sorted(to.size() - start);
    for (const pair& p : pairs) sorted.append(byte_view{to.data() + p.start, p.end - p.start});
    std::memcpy(to.data() + start, sorted.data(), sorted.size());
    return true;
}

bool rewrite_map(reader& from, const head& map, buffer& to, unsigned depth) {
    wire::pack_map(to, map.count + (map.flags != 0));
    if (map.flags != 0) {
        wire::pack_extension(to, map.flags, {});
        wire::pack_nil(to);
    }
    const size_t start = to.size();
    std::vector<pair> pairs;
    bool sorted = true;
    for (uint32_t i = 0; i < map.count; ++i) {
        pair p{to.size(), 0, 0};
        if (!is_map_key(from) || !rewrite(from, to, depth + 1)) return false;
        p.key_end = to.size();
        if (!rewrite(from, to, depth + 1)) return false;
        p.end = to.size();
        if (!pairs.empty() && sorted) {
            const pair& last = pairs.back();
            const auto order = compare_values({to.data() + last.start, last.key_end - last.start},
                                              {to.data() + p.start, p.key_end - p.start});
            if (order == 0) return false;
            if (order > 0) sorted = false;
        }
        pairs.push_back(p);
    }
    if (sorted) return true;
    if (map.flags & order_flag::ordered) return false;
    return sort_pairs(pairs, to, start);
}

bool rewrite_scalar(const pack_token& token, buffer& to) {
    switch (token.kind) {
        case pack_kind::nil: wire::pack_nil(to); return true;
        case pack_kind::boolean: wire::pack_bool(to, token.boolean); return true;
        case pack_kind::integer: wire::pack_integer(to, token.integer); return true;
        case pack_kind::unsigned_integer: wire::pack_unsigned(to, token.unsigned_integer); return true;
        case pack_kind::floating:
            if (token.single) {
                wire::pack_single(to, static_cast<float>(token.floating));
            } else {
                wire::pack_double(to, token.floating);
            }
            return true;
        case pack_kind::bytes:
            if (token.type == wire::particle::null) {  // an empty string without even a type byte
                wire::pack_raw_string(to, {});
            } else {
                wire::pack_bytes(to, token.type, token.data);
            }
            return true;
        case pack_kind::extension:
            if (token.extension_type == 0xff) return false;  // wildcard and infinity are arguments, never stored
            if (token.data.size() > UINT8_MAX) return false;
            wire::pack_extension(to, token.extension_type, token.data);
            return true;
        default: return false;
    }
}

bool rewrite(reader& from, buffer& to, unsigned depth) {
    pack_token token;
    if (depth > wire::depth_max || !wire::read_token(from, token)) return false;
    if (token.kind != pack_kind::list && token.kind != pack_kind::map) return rewrite_scalar(token, to);
    head found;
    if (!read_marker(from, token, found)) return false;
    // Each value takes a byte at least: a count beyond what is left is refused before anything is made for it.
    if (found.count > from.remaining()) return false;
    if (token.kind == pack_kind::list) return rewrite_list(from, found, to, depth);
    return rewrite_map(from, found, to, depth);
}

}  // namespace

bool normalise_collection(byte_view packed, container wanted, buffer& to) {
    reader from(packed);
    pack_token top;
    reader ahead = from;
    if (!wire::read_token(ahead, top)) return false;
    if (top.kind != (wanted == container::list ? pack_kind::list : pack_kind::map)) return false;
    return rewrite(from, to, 0) && from.at_end();
}

}  // namespace aero_server
