// The edge of the library where memory that ran out becomes an error.
//
// Below it std::bad_alloc goes up like a failed call returns: what it passes gives back what it holds. No function of
// the public API lets it out (docs/decisions/0018). Any thread; nothing here allocates.
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
