// Which bug is planted in this process of the simulator.
#pragma once

#include "base/planted.h"

namespace aero::tests {

extern planted_bug planted_now;

}  // namespace aero::tests
