// Whole lists and maps as a WRITE brings them: checked, and brought into the one form in which they are kept.
//
// Integers and headers become as short as they can be, unordered maps are sorted by key, markers keep only the flags
// that are stored. Refused are bad msgpack, bytes left over, duplicate or unsuitable map keys, content that is not in
// the order its marker promises, and wildcards and infinity.
#pragma once

#include "base/buffer.h"

namespace aero_server {

enum class container : uint8_t { list, map };

namespace order_flag {
inline constexpr uint8_t ordered = 0x01;        // list by value, map by key
inline constexpr uint8_t value_ordered = 0x02;  // map, beside `ordered`
inline constexpr uint8_t persist_index = 0x10;  // a hint for real servers; never kept here
}  // namespace order_flag

// Appends the normal form of `packed` to `to`. False when it is refused; then `to` holds rubbish at its end.
bool normalise_collection(aero::byte_view packed, container wanted, aero::buffer& to);

}  // namespace aero_server
