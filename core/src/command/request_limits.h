// What no server would take, said before anything is sent: requests beyond the limits of the protocol.
//
// Pure functions. A request that passes fits one message with all its rows, so every encoder may rely on it.
#pragma once

#include <string>

#include "aero/request.h"

namespace aero::command {

// What is wrong with the request, with the limit and what to do about it; empty when nothing is.
std::string flaw_of(const record_request& request);
std::string flaw_of(const batch_request& request);
std::string flaw_of(const transport_policy& policy);

}  // namespace aero::command
