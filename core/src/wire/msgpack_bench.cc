// A list of 1,000 mixed elements: packed, walked token by token, passed over, and made into values.
#include "wire/msgpack.h"

#include <benchmark/benchmark.h>

#include <string>

#include "testing/benchmarks.h"
#include "wire/particle.h"

namespace aero::wire {
namespace {

constexpr int64_t elements = 1000;

value mixed_list() {
    list items;
    for (int64_t i = 0; i < elements; ++i) {
        switch (i % 4) {
            case 0: items.items.emplace_back(i * i * i); break;
            case 1: items.items.emplace_back(static_cast<double>(i) / 3); break;
            case 2: items.items.emplace_back("element " + std::to_string(i)); break;
            default: items.items.emplace_back(map{{"a", i}, {"b", nullptr}});
        }
    }
    return items;
}

void pack_mixed_list(benchmark::State& state) {
    const value items = mixed_list();
    buffer to;
    for (auto _ : state) {
        to.clear();
        benchmark::DoNotOptimize(pack_value(to, items));
        benchmark::ClobberMemory();
    }
    testing::items(state, elements);
}
BENCHMARK(pack_mixed_list)->Apply(testing::countable);

void read_tokens(benchmark::State& state) {
    buffer packed;
    benchmark::DoNotOptimize(pack_value(packed, mixed_list()));
    for (auto _ : state) {
        reader from(packed.view());
        pack_token token;
        while (!from.at_end() && read_token(from, token)) benchmark::DoNotOptimize(token);
    }
    testing::items(state, elements);
}
BENCHMARK(read_tokens)->Apply(testing::countable);

void skip_mixed_list(benchmark::State& state) {
    buffer packed;
    benchmark::DoNotOptimize(pack_value(packed, mixed_list()));
    for (auto _ : state) {
        reader from(packed.view());
        benchmark::DoNotOptimize(skip_value(from));
    }
    testing::items(state, elements);
}
BENCHMARK(skip_mixed_list)->Apply(testing::countable);

void unpack_mixed_list(benchmark::State& state) {
    buffer packed;
    benchmark::DoNotOptimize(pack_value(packed, mixed_list()));
    for (auto _ : state) {
        reader from(packed.view());
        benchmark::DoNotOptimize(unpack_value(from));
    }
    testing::items(state, elements);
}
BENCHMARK(unpack_mixed_list)->Apply(testing::countable);

}  // namespace
}  // namespace aero::wire
