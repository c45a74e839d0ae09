// Record digests: RIPEMD-160 of `set ‖ particle type ‖ key bytes`, one at a time or many in parallel SIMD lanes.
//
// Pure functions, safe from any thread. The lane width is chosen once per process from what the processor offers.
#pragma once

#include "aero/request.h"
#include "base/bytes.h"
#include "wire/protocol.h"

namespace aero::wire {

using aero::digest;

// What is hashed of one key; views into the caller's memory. Integer keys are hashed as 8 bytes, big-endian.
struct key_view {
    std::string_view set;
    particle type = particle::string;
    byte_view value;
};

digest digest_of(const key_view& key) noexcept;
// Hashes keys[i] into to[i]. REQUIRES: keys.size() == to.size()
void digests_of(std::span<const key_view> keys, std::span<digest> to) noexcept;

// Lanes hashed together by `digests_of`: 16 (AVX-512), 8 (AVX2), 4 (SSE2, NEON) or 1.
unsigned digest_lanes() noexcept;
// The same with a given width, for tests and benchmarks. Widths that this processor lacks fall back to 1.
void digests_of(std::span<const key_view> keys, std::span<digest> to, unsigned lanes) noexcept;

inline unsigned partition_of(const digest& d) noexcept { return (d[0] | unsigned{d[1]} << 8) & (partitions - 1); }

}  // namespace aero::wire
