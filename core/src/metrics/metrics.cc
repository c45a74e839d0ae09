#include "aero/metrics.h"

#include <map>
#include <mutex>

#include "metrics/registry.h"
#include "metrics/totals.h"

namespace aero::metrics {

std::atomic<bool> operations_on{true};
std::atomic<bool> stages_on{false};

namespace {

// Calls `observe` with the shard of this thread, or with a borrowed one while the thread ends.
template <class Observe>
void with_shard(Observe observe) noexcept {
    if (shard* mine = shard_of_thread(); mine != nullptr) [[likely]] {
        observe(*mine);
        return;
    }
    if (!thread_is_ending()) return;  // no memory for a shard: the observation is lost, the call is not
    try {
        shard* borrowed = registry::instance().adopt();
        observe(*borrowed);
        registry::instance().give_back(borrowed);
    } catch (const std::bad_alloc&) {}
}

// What had been counted when the stages were last reset. Cells only ever grow: their writers hold no lock, so a reset
// cannot zero them without losing or reviving counts, it remembers and subtracts.
struct baseline {
    std::mutex lock;
    std::map<std::pair<size_t, size_t>, stage_totals> counted;
};
baseline& reset_point() {
    static baseline* const only = new baseline;
    return *only;
}

}  // namespace

void observe_operation(const char* name, std::string_view name_space, std::string_view set, std::string_view error_kind,
                       int64_t duration_ns) noexcept {
    if (!operations_enabled()) return;
    const series_query which{.name = name, .name_space = name_space, .set = set, .error_kind = error_kind};
    const int64_t ns = duration_ns < 0 ? 0 : duration_ns;
    with_shard([&](shard& mine) { mine.observe_operation(which, ns); });
}

void observe_stage(const char* name, stage which, int64_t duration_ns) noexcept {
    if (!stages_enabled() || which >= stage::count_) return;
    const int64_t ns = duration_ns < 0 ? 0 : duration_ns;
    with_shard([&](shard& mine) { mine.observe_stage(name, which, ns); });
}

void observe_stages(const char* name, std::span<const stage> which, std::span<const int64_t> durations_ns,
                    stage except) noexcept {
    if (!stages_enabled()) return;
    with_shard([&](shard& mine) {
        for (const stage each : which) {
            if (each == except) continue;
            const int64_t ns = durations_ns[static_cast<size_t>(each)];
            mine.observe_stage(name, each, ns < 0 ? 0 : ns);
        }
    });
}

std::span<const double> stage_buckets_s() noexcept {
    static const auto seconds = [] {
        std::array<double, stage_bounds.size()> made{};
        for (size_t i = 0; i < made.size(); ++i) made[i] = static_cast<double>(stage_bounds[i].ns) / 1e9;
        return made;
    }();
    return seconds;
}

std::vector<stage_row> stage_snapshot() {
    const registry::contents all = registry::instance().snapshot();
    baseline& before = reset_point();
    const std::lock_guard guard(before.lock);
    std::vector<stage_row> rows;
    for (size_t operation = 0; operation < all.staged_operations.size(); ++operation) {
        for (size_t index = 0; index < stage_count; ++index) {
            stage_totals totals = stage_totals_of(all.shards, operation, index);
            const auto counted = before.counted.find({operation, index});
            if (counted != before.counted.end()) totals.subtract(counted->second);
            if (totals.count == 0) continue;
            const auto quantile_s = [&](double share) { return quantile_ns(totals.fine, totals.count, share) / 1e9; };
            stage_row row{.operation = all.staged_operations[operation],
                          .which = static_cast<stage>(index),
                          .count = totals.count,
                          .sum_s = static_cast<double>(totals.sum_ns) / 1e9,
                          .p50_s = quantile_s(0.50),
                          .p95_s = quantile_s(0.95),
                          .p99_s = quantile_s(0.99),
                          .bucket_counts = {}};
            uint64_t seen = 0;
            for (const uint64_t each : totals.buckets) row.bucket_counts.push_back(seen += each);
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

void reset_stages() noexcept {
    try {
        const registry::contents all = registry::instance().snapshot();
        baseline& before = reset_point();
        const std::lock_guard guard(before.lock);
        for (size_t operation = 0; operation < all.staged_operations.size(); ++operation) {
            for (size_t index = 0; index < stage_count; ++index) {
                stage_totals totals = stage_totals_of(all.shards, operation, index);
                if (totals.count != 0) before.counted[{operation, index}] = totals;
            }
        }
    } catch (const std::bad_alloc&) {  // the rows simply go on from where they were
    }
}

}  // namespace aero::metrics
