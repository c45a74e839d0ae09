// A bin value as a WRITE brings it: checked by its type and put into the form in which it is kept and sent.
#pragma once

#include "aero/error.h"
#include "store/arena.h"
#include "wire/protocol.h"

namespace aero_server {

// On success `value` is the kept form: either the bytes given or new ones in `memory`.
aero::code accept_value(aero::wire::particle type, aero::byte_view& value, arena& memory);

}  // namespace aero_server
