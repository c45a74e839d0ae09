// Where memory that ran out becomes an error: at the edge of the library, and where a slot is held that goes back.
//
// Elsewhere std::bad_alloc goes up like a failed call returns: what it passes gives back what it holds. No function of
// the public API that gives a result lets it out (docs/decisions/0018). Any thread; the error needs no memory.
#pragma once

#include <new>

#include "aero/error.h"

namespace aero::detail {

inline error no_memory(bool in_doubt = false, uint16_t attempts = 0) noexcept {
    error made;
    made.what = code::no_memory;
    made.in_doubt = in_doubt;
    made.attempts = attempts;
    made.text = "out of memory";  // short enough to stand in the string itself
    return made;
}

// Room for one more, so that what cannot fail later finds it; grows as push_back does.
template <class Vector>
void make_room_for_one(Vector& in) {
    constexpr size_t least = 8;
    if (in.size() == in.capacity()) in.reserve(in.size() < least ? least : 2 * in.size());
}

// What `body` gives, or the error.
template <class Body>
auto within_memory(Body&& body) noexcept -> decltype(body()) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return std::unexpected(no_memory());
    }
}

}  // namespace aero::detail
