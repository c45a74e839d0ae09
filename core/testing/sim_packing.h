// Compressed frames as the nodes of a simulation read and write them: by zlib alone, so that the client's own way with
// them is vouched for by another. Plain functions; any thread.
#pragma once

#include <optional>

#include "base/buffer.h"

namespace aero::tests {

// The frame inside of a compressed one; nothing where there is none of the announced size.
std::optional<buffer> unpacked_frame(byte_view frame);

enum class packing_lie : uint8_t { none, announces_less, announces_more, is_cut, holds_too_much, is_damaged };
inline constexpr unsigned packing_lies = 5;
buffer packed_frame(byte_view frame, packing_lie how = packing_lie::none);

}  // namespace aero::tests
