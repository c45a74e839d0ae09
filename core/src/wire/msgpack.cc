#include "wire/msgpack.h"

#include <array>
#include <bit>
#include <cassert>

namespace aero::wire {

namespace {

void set_integer(pack_token& token, int64_t value) noexcept {
    token.kind = pack_kind::integer;
    token.integer = value;
}
void set_unsigned(pack_token& token, uint64_t value) noexcept {
    if (value <= static_cast<uint64_t>(INT64_MAX)) return set_integer(token, static_cast<int64_t>(value));
    token.kind = pack_kind::unsigned_integer;
    token.unsigned_integer = value;
}
void set_count(pack_token& token, pack_kind kind, uint32_t count) noexcept {
    token.kind = kind;
    token.count = count;
}
void set_bytes(reader& from, pack_token& token, uint32_t size, bool raw) noexcept {
    token.kind = pack_kind::bytes;
    token.data = from.take(size);
    token.type = particle::string;
    if (raw) return;
    if (token.data.empty()) {
        token.type = particle::null;
        return;
    }
    token.type = static_cast<particle>(token.data[0]);
    token.data = token.data.subspan(1);
}
void set_extension(reader& from, pack_token& token, uint32_t size) noexcept {
    token.kind = pack_kind::extension;
    token.extension_type = from.u8();
    token.data = from.take(size);
}

// The forms with a head byte from c0 to df; false for c1, which msgpack never uses.
bool read_headed(reader& from, pack_token& token, uint8_t head, bool raw) noexcept {
    switch (head) {
        case 0xc0: token.kind = pack_kind::nil; return true;
        case 0xc2:
        case 0xc3:
            token.kind = pack_kind::boolean;
            token.boolean = head == 0xc3;
            return true;
        case 0xc4:
        case 0xd9: set_bytes(from, token, from.u8(), raw); return true;
        case 0xc5:
        case 0xda: set_bytes(from, token, from.be<uint16_t>(), raw); return true;
        case 0xc6:
        case 0xdb: set_bytes(from, token, from.be<uint32_t>(), raw); return true;
        case 0xc7: set_extension(from, token, from.u8()); return true;
        case 0xc8: set_extension(from, token, from.be<uint16_t>()); return true;
        case 0xc9: set_extension(from, token, from.be<uint32_t>()); return true;
        case 0xca:
            token.kind = pack_kind::floating;
            token.single = true;
            token.floating = static_cast<double>(std::bit_cast<float>(from.be<uint32_t>()));
            return true;
        case 0xcb:
            token.kind = pack_kind::floating;
            token.single = false;
            token.floating = std::bit_cast<double>(from.be<uint64_t>());
            return true;
        case 0xcc: set_integer(token, from.u8()); return true;
        case 0xcd: set_integer(token, from.be<uint16_t>()); return true;
        case 0xce: set_integer(token, from.be<uint32_t>()); return true;
        case 0xcf: set_unsigned(token, from.be<uint64_t>()); return true;
        case 0xd0: set_integer(token, from.be<int8_t>()); return true;
        case 0xd1: set_integer(token, from.be<int16_t>()); return true;
        case 0xd2: set_integer(token, from.be<int32_t>()); return true;
        case 0xd3: set_integer(token, from.be<int64_t>()); return true;
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8: set_extension(from, token, 1u << (head - 0xd4)); return true;
        case 0xdc: set_count(token, pack_kind::list, from.be<uint16_t>()); return true;
        case 0xdd: set_count(token, pack_kind::list, from.be<uint32_t>()); return true;
        case 0xde: set_count(token, pack_kind::map, from.be<uint16_t>()); return true;
        case 0xdf: set_count(token, pack_kind::map, from.be<uint32_t>()); return true;
        default: return false;
    }
}

template <class Integer>
void pack_headed(buffer& to, uint8_t head, Integer value) {
    uint8_t* at = to.room(1 + sizeof value);
    *at = head;
    store_be(at + 1, value);
    to.commit(1 + sizeof value);
}

uint8_t* pack_string_head(uint8_t* at, size_t size) noexcept {
    if (size < 32) {
        *at = static_cast<uint8_t>(0xa0 | size);
        return at + 1;
    }
    if (size < 256) {
        at[0] = 0xd9;
        at[1] = static_cast<uint8_t>(size);
        return at + 2;
    }
    if (size < 65536) {
        at[0] = 0xda;
        store_be(at + 1, static_cast<uint16_t>(size));
        return at + 3;
    }
    at[0] = 0xdb;
    store_be(at + 1, static_cast<uint32_t>(size));
    return at + 5;
}

void pack_count(buffer& to, uint32_t count, uint8_t fixed, uint8_t wide) {
    if (count < 16) return to.append_u8(fixed | count);
    if (count < 65536) return pack_headed(to, wide, static_cast<uint16_t>(count));
    pack_headed(to, static_cast<uint8_t>(wide + 1), count);
}

}  // namespace

bool read_token(reader& from, pack_token& token, bool raw_strings) noexcept {
    const uint8_t head = from.u8();
    if (!from.ok()) return false;
    if (head < 0x80) {
        set_integer(token, head);
    } else if (head >= 0xe0) {
        set_integer(token, static_cast<int8_t>(head));
    } else if (head < 0x90) {
        set_count(token, pack_kind::map, head & 0x0f);
    } else if (head < 0xa0) {
        set_count(token, pack_kind::list, head & 0x0f);
    } else if (head < 0xc0) {
        set_bytes(from, token, head & 0x1f, raw_strings);
    } else if (!read_headed(from, token, head, raw_strings)) {
        from.fail();
    }
    return from.ok();
}

bool skip_value(reader& from) noexcept {
    std::array<uint64_t, depth_max + 1> left;  // values still to come at each depth
    size_t depth = 0;
    left[0] = 1;
    pack_token token;
    while (true) {
        while (left[depth] == 0) {
            if (depth == 0) return true;
            --depth;
        }
        --left[depth];
        if (!read_token(from, token, true)) return false;
        const bool is_map = token.kind == pack_kind::map;
        if (!is_map && token.kind != pack_kind::list) continue;
        const uint64_t inside = uint64_t{token.count} << is_map;
        // Every value takes a byte at least, so a count beyond the bytes left is wrong, whatever follows.
        if (depth == depth_max || inside > from.remaining()) return from.fail(), false;
        left[++depth] = inside;
    }
}

void pack_nil(buffer& to) { to.append_u8(0xc0); }
void pack_bool(buffer& to, bool value) { to.append_u8(value ? 0xc3 : 0xc2); }

void pack_unsigned(buffer& to, uint64_t value) {
    if (value < 0x80) return to.append_u8(static_cast<uint8_t>(value));
    if (value <= UINT8_MAX) return pack_headed(to, 0xcc, static_cast<uint8_t>(value));
    if (value <= UINT16_MAX) return pack_headed(to, 0xcd, static_cast<uint16_t>(value));
    if (value <= UINT32_MAX) return pack_headed(to, 0xce, static_cast<uint32_t>(value));
    pack_headed(to, 0xcf, value);
}

void pack_integer(buffer& to, int64_t value) {
    if (value >= 0) return pack_unsigned(to, static_cast<uint64_t>(value));
    if (value >= -32) return to.append_u8(static_cast<uint8_t>(value));
    if (value >= INT8_MIN) return pack_headed(to, 0xd0, static_cast<int8_t>(value));
    if (value >= INT16_MIN) return pack_headed(to, 0xd1, static_cast<int16_t>(value));
    if (value >= INT32_MIN) return pack_headed(to, 0xd2, static_cast<int32_t>(value));
    pack_headed(to, 0xd3, value);
}

void pack_double(buffer& to, double value) { pack_headed(to, 0xcb, std::bit_cast<uint64_t>(value)); }
void pack_single(buffer& to, float value) { pack_headed(to, 0xca, std::bit_cast<uint32_t>(value)); }

void pack_bytes(buffer& to, particle type, byte_view data) {
    assert(data.size() < UINT32_MAX);
    uint8_t* const begin = to.room(6 + data.size());
    uint8_t* at = pack_string_head(begin, data.size() + 1);
    *at++ = static_cast<uint8_t>(type);
    if (!data.empty()) std::memcpy(at, data.data(), data.size());
    to.commit(static_cast<size_t>(at - begin) + data.size());
}

void pack_raw_string(buffer& to, std::string_view text) {
    assert(text.size() <= UINT32_MAX);
    uint8_t* const begin = to.room(5 + text.size());
    uint8_t* at = pack_string_head(begin, text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    to.commit(static_cast<size_t>(at - begin) + text.size());
}

void pack_list(buffer& to, uint32_t count) { pack_count(to, count, 0x90, 0xdc); }
void pack_map(buffer& to, uint32_t count) { pack_count(to, count, 0x80, 0xde); }

void pack_extension(buffer& to, uint8_t type, byte_view data) {
    assert(data.size() <= UINT8_MAX);
    to.append_u8(0xc7);
    to.append_u8(static_cast<uint8_t>(data.size()));
    to.append_u8(type);
    to.append(data);
}

bool is_order_marker(const pack_token& token) noexcept {
    // Type ff is a wildcard or infinity, written in the d4 form.
    return token.kind == pack_kind::extension && token.data.size() <= 1 && token.extension_type != 0xff;
}

}  // namespace aero::wire
