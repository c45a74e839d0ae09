#include "wire/particle.h"

#include <algorithm>
#include <bit>
#include <string>

#include "wire/message.h"
#include "wire/msgpack.h"

namespace aero::wire {

namespace {

constexpr size_t geojson_head_size = 3;  // flags and the number of cells
// Memory taken on the word of a count alone; beyond it elements must have arrived to take more.
constexpr size_t reserve_max = 1024;

std::unexpected<error> bad(std::string text) { return fail(code::bad_reply, std::move(text)); }
std::unexpected<error> refused(std::string text) { return fail(code::invalid_argument, std::move(text)); }

std::vector<uint8_t> copy_of(byte_view bytes) { return {bytes.begin(), bytes.end()}; }

bool is_language_blob_or_vector(uint8_t type) noexcept {
    return (type >= static_cast<uint8_t>(particle::java_blob) && type <= static_cast<uint8_t>(particle::erlang_blob)) ||
           type == static_cast<uint8_t>(particle::vector);
}

// ---- decoding ----

result<value> unpack(reader& from, unsigned depth);

value unpack_bytes(const pack_token& token) {
    switch (token.type) {
        case particle::string: return std::string(as_text(token.data));
        case particle::blob: return blob{copy_of(token.data)};
        case particle::geojson: return geojson(as_text(token.data));
        case particle::hll: return hll{copy_of(token.data)};
        default: return raw_particle{copy_of(token.data), static_cast<uint8_t>(token.type)};
    }
}

// Takes an order marker off the front of a container, if one is there.
uint8_t take_marker(reader& from, uint32_t count) noexcept {
    if (count == 0) return 0;
    reader ahead = from;
    pack_token first;
    if (!read_token(ahead, first) || !is_order_marker(first)) return 0;
    from = ahead;
    return first.extension_type;
}

result<value> unpack_list(reader& from, uint32_t count, unsigned depth) {
    if (count > from.remaining()) return bad("A list announces more elements than there are bytes");
    list items;
    const size_t before = from.remaining();
    items.order = take_marker(from, count);
    if (from.remaining() != before) --count;
    items.items.reserve(std::min<size_t>(count, reserve_max));
    for (uint32_t i = 0; i < count; ++i) {
        result<value> item = unpack(from, depth);
        if (!item) return item;
        items.items.push_back(std::move(*item));
    }
    return items;
}

result<value> unpack_map(reader& from, uint32_t count, unsigned depth) {
    if (count > from.remaining() / 2) return bad("A map announces more entries than there are bytes");
    map entries;
    const size_t before = from.remaining();
    entries.order = take_marker(from, count);
    if (from.remaining() != before) {
        --count;
        pack_token nothing;
        if (!read_token(from, nothing) || nothing.kind != pack_kind::nil)
            return bad("A map's order marker has a value");
    }
    entries.entries.reserve(std::min<size_t>(count, reserve_max));
    for (uint32_t i = 0; i < count; ++i) {
        result<value> key = unpack(from, depth);
        if (!key) return key;
        result<value> content = unpack(from, depth);
        if (!content) return content;
        entries.entries.push_back({std::move(*key), std::move(*content)});
    }
    return entries;
}

// `depth`: containers around this value.
result<value> unpack(reader& from, unsigned depth) {
    pack_token token;
    if (!read_token(from, token)) return bad("The bytes of a list or map end early or are not MessagePack");
    switch (token.kind) {
        case pack_kind::nil: return value();
        case pack_kind::boolean: return token.boolean;
        case pack_kind::integer: return token.integer;
        case pack_kind::unsigned_integer: return token.unsigned_integer;
        case pack_kind::floating: return real{token.floating, token.single};
        case pack_kind::bytes: return unpack_bytes(token);
        case pack_kind::extension: return extension{copy_of(token.data), token.extension_type};
        case pack_kind::list:
        case pack_kind::map: break;
    }
    if (depth >= depth_max) return bad("Lists and maps nest more than " + std::to_string(depth_max) + " deep");
    return token.kind == pack_kind::list ? unpack_list(from, token.count, depth + 1)
                                         : unpack_map(from, token.count, depth + 1);
}

result<value> decode_container(particle type, byte_view data) {
    reader from(data);
    result<value> decoded = unpack(from, 0);
    if (!decoded) return decoded;
    if (!from.at_end()) return bad("Bytes are left over after a list or map");
    const bool fits = type == particle::list ? decoded->is<list>() : decoded->is<map>();
    if (!fits) return bad("A particle holds another container than its type says");
    return decoded;
}

// Short forms are zero-extended, as a server does with what it is sent.
result<value> decode_integer(byte_view data) {
    switch (data.size()) {
        case 1: return int64_t{data[0]};
        case 2: return int64_t{load_be<uint16_t>(data.data())};
        case 4: return int64_t{load_be<uint32_t>(data.data())};
        case 8: return load_be<int64_t>(data.data());
        default: return bad("An integer of " + std::to_string(data.size()) + " bytes");
    }
}

// ---- encoding ----

result<void> pack(buffer& to, const value& of, unsigned depth);

struct packer {
    buffer& to;
    unsigned depth;

    result<void> operator()(std::monostate) const { return pack_nil(to), result<void>{}; }
    result<void> operator()(bool truth) const { return pack_bool(to, truth), result<void>{}; }
    result<void> operator()(int64_t number) const { return pack_integer(to, number), result<void>{}; }
    result<void> operator()(uint64_t number) const { return pack_unsigned(to, number), result<void>{}; }
    result<void> operator()(real number) const {
        if (number.single) {
            pack_single(to, static_cast<float>(number.number));
        } else {
            pack_double(to, number.number);
        }
        return {};
    }
    result<void> operator()(const std::string& text) const { return bytes(particle::string, as_bytes(text)); }
    result<void> operator()(const blob& of) const { return bytes(particle::blob, of.bytes); }
    result<void> operator()(const geojson& shape) const { return bytes(particle::geojson, as_bytes(shape.text())); }
    result<void> operator()(const hll& of) const { return bytes(particle::hll, of.bytes); }
    result<void> operator()(const raw_particle& of) const {
        if (of.type == 0 && of.bytes.empty()) return pack_raw_string(to, {}), result<void>{};  // not even a type byte
        return bytes(static_cast<particle>(of.type), of.bytes);
    }
    result<void> operator()(const extension& of) const {
        if (of.bytes.size() > UINT8_MAX) return refused("An extension has more than 255 bytes");
        if (of.bytes.size() == 1) {
            const uint8_t fixed[] = {0xd4, of.type, of.bytes[0]};
            to.append(byte_view(fixed));
        } else {
            pack_extension(to, of.type, of.bytes);
        }
        return {};
    }
    result<void> operator()(const list& of) const {
        if (auto fits = enter(of.items.size()); !fits) return fits;
        if (of.order == 0 && !of.items.empty() && looks_like_marker(of.items[0])) {
            return refused("An extension at the head of an unordered list would be taken for its order marker");
        }
        pack_list(to, static_cast<uint32_t>(of.items.size() + (of.order != 0)));
        if (of.order != 0) pack_extension(to, of.order, {});
        for (const value& item : of.items) {
            if (auto packed = pack(to, item, depth + 1); !packed) return packed;
        }
        return {};
    }
    result<void> operator()(const map& of) const {
        if (auto fits = enter(of.entries.size()); !fits) return fits;
        pack_map(to, static_cast<uint32_t>(of.entries.size() + (of.order != 0)));
        if (of.order != 0) {
            pack_extension(to, of.order, {});
            pack_nil(to);
        }
        for (const auto& [key, content] : of.entries) {
            if (!is_map_key(key)) return refused("A map key must be an integer, string or blob, not " + to_string(key));
            if (auto packed = pack(to, key, depth + 1); !packed) return packed;
            if (auto packed = pack(to, content, depth + 1); !packed) return packed;
        }
        return {};
    }

    static bool looks_like_marker(const value& first) noexcept {
        const auto* element = first.if_is<extension>();
        return element != nullptr && element->bytes.size() <= 1 && element->type != 0xff;
    }
    static bool is_map_key(const value& key) noexcept {
        switch (key.type()) {
            case value::kind::integer:
            case value::kind::unsigned_integer:
            case value::kind::string:
            case value::kind::blob: return true;
            default: return false;
        }
    }
    result<void> bytes(particle type, byte_view data) const {
        if (data.size() >= body_size_max) return refused("A value is larger than a message may be, 128 MiB");
        pack_bytes(to, type, data);
        return {};
    }
    result<void> enter(size_t count) const {
        if (depth >= depth_max) {
            return refused("Lists and maps nest more than " + std::to_string(depth_max) + " deep");
        }
        if (count >= body_size_max) return refused("A list or map has more elements than a message may have bytes");
        return {};
    }
};

result<void> pack(buffer& to, const value& of, unsigned depth) { return std::visit(packer{to, depth}, of.held()); }

result<particle> append_bytes(buffer& to, particle type, byte_view bytes) {
    if (bytes.size() >= body_size_max) return refused("A value is larger than a message may be, 128 MiB");
    to.append(bytes);
    return type;
}

struct particle_writer {
    buffer& to;

    result<particle> operator()(std::monostate) const { return particle::null; }
    result<particle> operator()(bool truth) const { return to.append_u8(truth), particle::boolean; }
    result<particle> operator()(int64_t number) const { return to.append_be(number), particle::integer; }
    result<particle> operator()(uint64_t number) const {
        return refused("The integer " + std::to_string(number) + " does not fit 64 bits with a sign");
    }
    result<particle> operator()(real number) const {
        return to.append_be(std::bit_cast<uint64_t>(number.number)), particle::floating;
    }
    result<particle> operator()(const std::string& text) const {
        return append_bytes(to, particle::string, as_bytes(text));
    }
    result<particle> operator()(const blob& of) const { return append_bytes(to, particle::blob, of.bytes); }
    result<particle> operator()(const list& of) const { return container(particle::list, packer{to, 0}(of)); }
    result<particle> operator()(const map& of) const { return container(particle::map, packer{to, 0}(of)); }
    result<particle> operator()(const geojson& shape) const {
        return append_bytes(to, particle::geojson, as_bytes(shape.particle()));
    }
    result<particle> operator()(const hll& of) const { return append_bytes(to, particle::hll, of.bytes); }
    result<particle> operator()(const raw_particle& of) const {
        if (!is_language_blob_or_vector(of.type)) {
            return refused("No server stores a particle of type " + std::to_string(of.type));
        }
        return append_bytes(to, static_cast<particle>(of.type), of.bytes);
    }
    result<particle> operator()(const extension&) const {
        return refused("An extension can stand inside a list or map only");
    }

    static result<particle> container(particle type, result<void> packed) {
        if (!packed) return std::unexpected(std::move(packed.error()));
        return type;
    }
};

}  // namespace

std::optional<byte_view> geojson_text(byte_view particle) noexcept {
    if (particle.size() < geojson_head_size) return std::nullopt;
    const size_t head = geojson_head_size + size_t{8} * load_be<uint16_t>(particle.data() + 1);
    if (particle.size() < head) return std::nullopt;
    return particle.subspan(head);
}

result<value> decode_particle(particle type, byte_view data) {
    switch (type) {
        case particle::null:
            if (!data.empty()) return bad("A null particle has bytes");
            return value();
        case particle::integer: return decode_integer(data);
        case particle::floating:
            if (data.size() != 8) return bad("A float of " + std::to_string(data.size()) + " bytes");
            return std::bit_cast<double>(load_be<uint64_t>(data.data()));
        case particle::string: return std::string(as_text(data));
        case particle::blob: return blob{copy_of(data)};
        case particle::boolean:
            if (data.size() != 1 || data[0] > 1) return bad("A boolean that is neither 0 nor 1");
            return data[0] == 1;
        case particle::hll: return hll{copy_of(data)};
        case particle::list:
        case particle::map: return decode_container(type, data);
        case particle::geojson: {
            const std::optional<byte_view> text = geojson_text(data);
            if (!text) return bad("A GeoJSON value ends inside its cells");
            return geojson(std::string(as_text(data)), static_cast<uint32_t>(data.size() - text->size()));
        }
        default: return raw_particle{copy_of(data), static_cast<uint8_t>(type)};
    }
}

result<particle> append_particle(buffer& to, const value& of) {
    const size_t start = to.size();
    result<particle> appended = std::visit(particle_writer{to}, of.held());
    if (!appended) to.resize(start);
    return appended;
}

result<void> append_value_op(buffer& to, op_code code, std::string_view name, const value& of) {
    if (name.size() > bin_name_size_max) {
        return refused("Bin name '" + std::string(name) + "' exceeds the 15-byte limit (" +
                       std::to_string(name.size()) + " bytes)");
    }
    const size_t start = begin_op(to, code, particle::null, name);
    const result<particle> type = append_particle(to, of);
    if (!type) {
        to.resize(start);
        return std::unexpected(type.error());
    }
    to.data()[start + 5] = static_cast<uint8_t>(*type);  // size, code, type
    end_op(to, start);
    return {};
}

result<value> unpack_value(reader& from) { return unpack(from, 0); }

result<void> pack_value(buffer& to, const value& of) {
    const size_t start = to.size();
    result<void> packed = pack(to, of, 0);
    if (!packed) to.resize(start);
    return packed;
}

}  // namespace aero::wire
