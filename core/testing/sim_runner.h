// Runs of the simulator, each in a child process: a crash is a finding like others, and no run sees what another left.
#pragma once

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/planted.h"

namespace aero::tests {

struct sim_task {
    uint64_t seed = 0;
    std::set<unsigned> without;  // items of its plan that are left out
    planted_bug bug = planted_bug::none;
    bool story = false;  // told on standard output
};

struct sim_verdict {
    uint64_t seed = 0;
    std::string kind;  // of the promise that was not kept; empty when all were
    std::string text;
    uint64_t trace = 0;
    uint64_t calls = 0, ok = 0, failed = 0, doubtful = 0, cancelled = 0;

    bool good() const noexcept { return kind.empty(); }
};

sim_verdict run_one(const sim_task& task);

// Runs seeds from `first` on, so many at once, and tells of each as it ends. Stops early when `each` gives false.
struct sim_series {
    uint64_t first = 1, count = 1;
    unsigned at_once = 1;
    planted_bug bug = planted_bug::none;
};
void run_series(const sim_series& what, const std::function<bool(const sim_verdict&)>& each);

// Leaves out of a failing run what it does not need to fail in the same way. Gives the smallest task it found.
sim_task shrink(sim_task failing, const std::string& kind);
size_t items_of(const sim_task& task);

}  // namespace aero::tests
