// Decoding the eight bins of one record into values of C++.
#include "wire/particle.h"

#include <benchmark/benchmark.h>

#include <string>

#include "testing/benchmarks.h"
#include "wire/message.h"

namespace aero::wire {
namespace {

constexpr unsigned bins_count = 8;

buffer ops_of_eight_bins() {
    buffer ops;
    for (unsigned i = 0; i < bins_count; ++i) {
        const std::string name = "bin_" + std::to_string(i);
        const value content = i < 4 ? value(int64_t{i}) : i < 6 ? value(i * 0.5) : value("sixteen letters.");
        if (!append_value_op(ops, op_code::read, name, content)) std::abort();
    }
    return ops;
}

void decode_eight_bins(benchmark::State& state) {
    const buffer ops = ops_of_eight_bins();
    for (auto _ : state) {
        reader from(ops.view());
        for (unsigned i = 0; i < bins_count; ++i) {
            const op_view op = read_op(from);
            benchmark::DoNotOptimize(decode_particle(op.type, op.value));
        }
    }
    testing::items(state, bins_count);
}
BENCHMARK(decode_eight_bins)->Apply(testing::countable);

}  // namespace
}  // namespace aero::wire
