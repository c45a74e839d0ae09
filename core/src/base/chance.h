// Chance for pauses, so that clients which failed together do not come back together. Not for secrets.
//
// Threads: each has a sequence of its own.
#pragma once

#include "base/time.h"

namespace aero {

// Drawn evenly from 0 .. `longest`.
nanos jitter(nanos longest) noexcept;
// Begins the sequence of this thread anew, so that a simulation repeats itself.
void restart_chance(uint64_t seed) noexcept;

}  // namespace aero
