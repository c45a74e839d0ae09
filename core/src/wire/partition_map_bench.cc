// What tending costs when partitions move: one node's map of two replicas.
#include "wire/partition_map.h"

#include <benchmark/benchmark.h>

#include "testing/benchmarks.h"

namespace aero::wire {
namespace {

std::string one_map() {
    replica_claim claim;
    claim.name_space = "test";
    claim.replicas.resize(2);
    for (unsigned p = 0; p < partitions; p += 3) claim.replicas[p & 1].add(p);
    return encode_replicas({claim});
}

void decode_partition_map(benchmark::State& state) {
    const std::string text = one_map();
    for (auto _ : state) benchmark::DoNotOptimize(decode_replicas(text));
}
BENCHMARK(decode_partition_map)->Apply(testing::countable);

}  // namespace
}  // namespace aero::wire
