// What calls cost: histograms of operations and of the stages inside them, and the switches. Process-wide.
//
// Threads: every function may be called from any thread. Recording touches only a shard of the calling thread; readers
// merge the shards. A switched-off histogram costs one relaxed load.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aero/error.h"

namespace aero::metrics {

extern std::atomic<bool> operations_on;  // default true
extern std::atomic<bool> stages_on;      // default false

inline bool operations_enabled() noexcept { return operations_on.load(std::memory_order_relaxed); }
inline bool stages_enabled() noexcept { return stages_on.load(std::memory_order_relaxed); }

// One finished operation. `name` is the lower-case method name and must be a literal (kept by pointer); `error_kind` is
// empty on success. Unknown series are created on first use, at most 10,000 of them; later ones count as `other`.
void observe_operation(const char* name, std::string_view name_space, std::string_view set, std::string_view error_kind,
                       int64_t duration_ns) noexcept;
// One stage of one call. `name` as above.
void observe_stage(const char* name, stage which, int64_t duration_ns) noexcept;
// Several stages of one call but `except`; `durations_ns` is indexed by stage.
void observe_stages(const char* name, std::span<const stage> which, std::span<const int64_t> durations_ns,
                    stage except) noexcept;

struct stage_row {
    std::string operation;
    stage which;
    uint64_t count;
    double sum_s;
    double p50_s, p95_s, p99_s;           // from a fine internal histogram (error below 5 %)
    std::vector<uint64_t> bucket_counts;  // cumulative, for stage_buckets_s(), last one is +Inf
};
std::vector<stage_row> stage_snapshot();
// Upper bounds of the buckets in seconds, without +Inf.
std::span<const double> stage_buckets_s() noexcept;
// Lets the rows of stage_snapshot() start again from zero. The exposition goes on counting: a scraper takes
// differences.
void reset_stages() noexcept;

// Prometheus text of everything, ends with "# EOF\n".
std::string exposition();

}  // namespace aero::metrics
