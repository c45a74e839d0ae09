// MessagePack as it stands inside lists, maps and command arguments: strings and blobs carry a particle type byte,
// ordered containers start with an extension that holds their flags.
//
// The reader is a cursor that yields one token at a time without allocating; containers are announced with their count
// and their elements follow. Depth is the caller's business: `depth_max` is the limit that every recursive user
// applies.
#pragma once

#include "base/buffer.h"
#include "base/reader.h"
#include "wire/protocol.h"

namespace aero::wire {

inline constexpr unsigned depth_max = 64;

enum class pack_kind : uint8_t { nil, boolean, integer, unsigned_integer, floating, bytes, list, map, extension };

// One token. `bytes` covers str and bin headers: `type` is the particle type byte taken off the payload when the
// payload has one, `data` the rest. For list and map `count` is the number of elements or pairs, marker included.
struct pack_token {
    pack_kind kind = pack_kind::nil;
    bool boolean = false;
    bool single = false;               // floating: was a 32-bit float
    particle type = particle::string;  // bytes; null for an empty payload, which has no type byte
    int64_t integer = 0;
    uint64_t unsigned_integer = 0;  // kind unsigned_integer: values above INT64_MAX
    double floating = 0;
    uint32_t count = 0;
    uint8_t extension_type = 0;
    byte_view data;  // bytes: payload without type byte; extension: data
};

// Reads one token. False when the bytes end or are not msgpack. `raw_strings`: payloads carry no type byte
// (expressions).
bool read_token(reader& from, pack_token& token, bool raw_strings = false) noexcept;
// Passes over one whole value, nested to any depth up to `depth_max`. False on bad bytes.
bool skip_value(reader& from) noexcept;

void pack_nil(buffer& to);
void pack_bool(buffer& to, bool value);
void pack_integer(buffer& to, int64_t value);  // shortest form
void pack_unsigned(buffer& to, uint64_t value);
void pack_double(buffer& to, double value);
void pack_single(buffer& to, float value);
void pack_bytes(buffer& to, particle type, byte_view data);  // str header, type byte, payload
void pack_raw_string(buffer& to, std::string_view text);     // str header without type byte
void pack_list(buffer& to, uint32_t count);
void pack_map(buffer& to, uint32_t count);
void pack_extension(buffer& to, uint8_t type, byte_view data);  // c7 form

// True for the marker that opens an ordered container (an extension without data, or the d4 form).
bool is_order_marker(const pack_token& token) noexcept;

}  // namespace aero::wire
