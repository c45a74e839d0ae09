// The order of values inside lists and maps, by which maps are sorted and ordered lists checked:
//
//     nil < false < true < integers < strings < lists < maps < blobs < floats < GeoJSON < other extensions < infinity
//
// Pure functions on msgpack that was checked before.
#pragma once

#include <compare>

#include "base/reader.h"

namespace aero_server {

// Compares one value of each cursor and leaves both cursors behind the values only when they are equal. Bytes that are
// no msgpack fail their cursor and compare as equal.
std::strong_ordering compare_values(aero::reader& a, aero::reader& b, unsigned depth = 0) noexcept;
std::strong_ordering compare_values(aero::byte_view a, aero::byte_view b) noexcept;

}  // namespace aero_server
