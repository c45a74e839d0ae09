// What counting costs a call, without the clock readings around it.
#include <benchmark/benchmark.h>

#include <array>

#include "aero/metrics.h"
#include "testing/benchmarks.h"

namespace aero::metrics {
namespace {

constexpr std::array<std::string_view, 9> sets{"fv_0", "fv_1", "fv_2", "fv_3", "fv_4", "fv_5", "fv_6", "fv_7", "fv_8"};

void observe_one_series(benchmark::State& state) {
    for (auto _ : state) observe_operation("get", "test", "fv_0", "", 300'000);
}
BENCHMARK(observe_one_series)->ThreadRange(1, 2)->Apply(testing::countable);

void observe_nine_sets(benchmark::State& state) {
    size_t i = 0;
    for (auto _ : state) {
        observe_operation("get", "test", sets[i], "", 300'000);
        i = i == sets.size() - 1 ? 0 : i + 1;
    }
}
BENCHMARK(observe_nine_sets)->Apply(testing::countable);

void observe_stage_on(benchmark::State& state) {
    stages_on = true;
    for (auto _ : state) observe_stage("batch_read", stage::io, 300'000);
    stages_on = false;
}
BENCHMARK(observe_stage_on)->Apply(testing::countable);

void observe_stage_off(benchmark::State& state) {
    for (auto _ : state) observe_stage("batch_read", stage::io, 300'000);
}
BENCHMARK(observe_stage_off)->Apply(testing::countable);

void write_exposition(benchmark::State& state) {
    for (const auto set : sets) observe_operation("get", "test", set, "", 300'000);
    for (auto _ : state) benchmark::DoNotOptimize(exposition());
}
BENCHMARK(write_exposition)->Apply(testing::countable);

}  // namespace
}  // namespace aero::metrics
