// Buffers that are used again instead of freed: a request or reply of the usual size costs no allocation and no page
// fault.
//
// One pool per thread, so nothing is locked; a buffer may be taken on one thread and recycled on another. A pool keeps
// at most `pooled_buffers_max` buffers and `pooled_bytes_max` bytes.
#pragma once

#include <cstdint>

#include "base/buffer.h"

namespace aero {

inline constexpr size_t pooled_buffers_max = 64;
inline constexpr size_t pooled_bytes_max = size_t{8} << 20;  // of those beyond 8 KiB

// An empty buffer with at least `capacity` bytes of room and no more than `most`.
buffer take_buffer(size_t capacity, size_t most = SIZE_MAX);
void recycle(buffer&& used) noexcept;

}  // namespace aero
