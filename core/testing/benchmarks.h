// What the micro-benchmarks (x_bench.cc) share: how many items one iteration handles, and a number of iterations that
// can be fixed from outside.
//
// Time decides how often a benchmark runs; whoever counts instructions has to know it. `make bench-check` therefore
// sets AERO_BENCH_ITERATIONS, and every benchmark is registered with `->Apply(testing::countable)`.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace aero::testing {

inline void countable(benchmark::internal::Benchmark* which) {
    if (const char* fixed = std::getenv("AERO_BENCH_ITERATIONS")) which->Iterations(std::atoll(fixed));
}

// Rows, keys or elements of one iteration; costs are given per item.
inline void items(benchmark::State& state, size_t per_iteration) {
    state.counters["items"] = static_cast<double>(per_iteration);
    state.counters["per_item"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(per_iteration),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace aero::testing
