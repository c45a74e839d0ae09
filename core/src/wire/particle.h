// Values to wire and back: the particle of a bin, and the MessagePack inside lists and maps.
//
// Pure functions. Decoding checks every length and ends with code::bad_reply; encoding refuses what no server would
// take with code::invalid_argument and then leaves the buffer as it was. What was decoded encodes to the same bytes,
// order markers included; three spellings are made canonical: integers and lengths longer than they need be, an order
// marker in the d4 form, and an order marker without flags.
#pragma once

#include <optional>

#include "aero/error.h"
#include "aero/value.h"
#include "base/buffer.h"
#include "base/reader.h"
#include "wire/protocol.h"

namespace aero::wire {

result<value> decode_particle(particle type, byte_view data);
// Appends the particle's bytes and gives its type. nil is an empty particle, which deletes a bin.
result<particle> append_particle(buffer& to, const value& of);
// A whole operation: code, name and value.
result<void> append_value_op(buffer& to, op_code code, std::string_view name, const value& of);

// One MessagePack value, as an element of a list or map or an argument of a command.
result<value> unpack_value(reader& from);
result<void> pack_value(buffer& to, const value& of);

// The text of a GeoJSON particle, behind its flags and cells; nothing when the bytes are too short.
std::optional<byte_view> geojson_text(byte_view particle) noexcept;

}  // namespace aero::wire
