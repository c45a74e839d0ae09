// The form in which a password travels: bcrypt of cost 10 under the one salt that every client of the database uses.
// Takes some 50 ms by design. Pure; any thread; what it worked with is wiped.
#pragma once

#include <string_view>

#include "aero/secret.h"

namespace aero::wire {

inline constexpr size_t password_hash_size = 60;

// Bytes beyond the 72nd do not count, as in every bcrypt; neither does anything from a NUL on.
secret password_hash(std::string_view password);

}  // namespace aero::wire
