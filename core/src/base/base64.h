// Base64 with padding, both ways (RFC 4648, the standard alphabet). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace aero {

std::string base64_encode(byte_view bytes);
// Nothing when the text is not exactly what `base64_encode` would have written for some bytes.
std::optional<std::vector<uint8_t>> base64_decode(std::string_view text);
// The same into memory of the caller; false also when the text is not for exactly to.size() bytes.
bool base64_decode(std::string_view text, byte_span to) noexcept;

}  // namespace aero
