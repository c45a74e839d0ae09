// Digests of the keys of a large batch read: 9 sets, short string keys. Time is per key, message assembly included.
#include "wire/digest.h"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "testing/benchmarks.h"

namespace aero::wire {
namespace {

constexpr size_t keys_count = 1800;

struct batch_keys {
    std::vector<std::string> sets, texts;
    std::vector<key_view> keys;

    explicit batch_keys(size_t key_size) {
        for (size_t i = 0; i < keys_count; ++i) {
            sets.push_back("fv_" + std::to_string(i % 9));
            std::string text = "user_" + std::to_string(100'000 + i);
            text.resize(key_size, 'x');
            texts.push_back(std::move(text));
        }
        for (size_t i = 0; i < keys_count; ++i) keys.push_back({sets[i], particle::string, as_bytes(texts[i])});
    }
};

// Argument: lanes.
void digests_short_keys(benchmark::State& state) {
    if (state.range(0) > digest_lanes()) {
        state.SkipWithError("this processor has no registers of that width");
        return;
    }
    const batch_keys batch(11);
    std::vector<digest> hashed(batch.keys.size());
    for (auto _ : state) {
        digests_of(batch.keys, hashed, static_cast<unsigned>(state.range(0)));
        benchmark::DoNotOptimize(hashed.data());
        benchmark::ClobberMemory();
    }
    testing::items(state, batch.keys.size());
}
BENCHMARK(digests_short_keys)->Arg(1)->Arg(4)->Arg(8)->Arg(16)->Apply(testing::countable);

// Keys of more than one block go the general way, whatever the width.
void digests_long_keys(benchmark::State& state) {
    const batch_keys batch(80);
    std::vector<digest> hashed(batch.keys.size());
    for (auto _ : state) {
        digests_of(batch.keys, hashed);
        benchmark::DoNotOptimize(hashed.data());
        benchmark::ClobberMemory();
    }
    testing::items(state, batch.keys.size());
}
BENCHMARK(digests_long_keys)->Apply(testing::countable);

void digest_of_one(benchmark::State& state) {
    const batch_keys batch(11);
    size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(digest_of(batch.keys[i]));
        if (++i == batch.keys.size()) i = 0;
    }
}
BENCHMARK(digest_of_one)->Apply(testing::countable);

}  // namespace
}  // namespace aero::wire
