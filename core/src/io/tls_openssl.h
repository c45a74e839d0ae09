// What the files that speak to OpenSSL share: its errors in words, and where it keeps our pointers. Any thread.
#pragma once

#if AERO_HAVE_OPENSSL

#include <openssl/ssl.h>

#include <string>

namespace aero::io {

// The place of a tls_session within its SSL.
int session_slot() noexcept;
// Why a connection failed, as a phrase; empties OpenSSL's queue of errors.
std::string reason_of(const SSL& on, bool input_ended);
// What OpenSSL says last of this thread; `otherwise` when it says nothing.
std::string last_error(const char* otherwise);

}  // namespace aero::io

#endif
