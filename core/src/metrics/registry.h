// Where observations are kept: one shard per living thread, and the names of the series they count.
//
// A shard is written by the thread that holds it and read by anybody. When the thread ends its shard is kept with all
// it counted and handed to the next thread that starts, so there are never more shards than threads lived at once.
// Series and operations are numbered once for the whole process; the numbers index the cells of every shard. Nothing
// here is ever freed: threads may outlive static objects.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "aero/error.h"
#include "base/short_bytes.h"
#include "metrics/histogram.h"

namespace aero::metrics {

inline constexpr size_t series_max = 10'000;         // one more counts what does not fit
inline constexpr size_t label_bytes_max = 128;       // longer label values are cut
inline constexpr size_t staged_operations_max = 64;  // names of operations with stages, the last one is `other`
inline constexpr size_t stage_count = static_cast<size_t>(stage::count_);

struct series {
    std::string operation;
    std::string name_space;
    std::string set;
    std::string error_kind;

    bool operator==(const series&) const = default;
};

// What identifies a series at the call; `name` is compared by address.
struct series_query {
    const char* name;
    std::string_view name_space;
    std::string_view set;
    std::string_view error_kind;
};

class shard {
  public:
    void observe_operation(const series_query& which, int64_t ns) noexcept {
        seen_series& seen = seen_series_[slot_of(which)];
        if (seen.cells == nullptr || !same(seen, which)) [[unlikely]] {
            operation_cells* cells = look_up(which, seen);
            if (cells != nullptr) cells->observe(ns);  // null: no memory left
            return;
        }
        seen.cells->observe(ns);
    }
    void observe_stage(const char* name, stage which, int64_t ns) noexcept {
        seen_operation& seen = seen_operations_[slot_of(name)];
        const auto index = static_cast<size_t>(which);
        stage_cells* cells = seen.name == name ? seen.cells[index] : nullptr;
        if (cells == nullptr) [[unlikely]]
            cells = look_up(name, index, seen);
        if (cells != nullptr) cells->observe(ns);
    }

    // For readers: null when this shard never saw the series.
    const operation_cells* operation(size_t number) const noexcept;
    const stage_cells* stage_of(size_t operation, size_t stage_index) const noexcept {
        return stages_[operation * stage_count + stage_index].load(std::memory_order_acquire);
    }

  private:
    static constexpr size_t chunk_size = 32;
    using chunk = std::array<operation_cells, chunk_size>;
    static constexpr size_t seen_series_count = 128;
    static constexpr size_t seen_operations_count = 32;

    struct seen_series {
        const char* name = nullptr;
        const series* labels = nullptr;
        operation_cells* cells = nullptr;
    };
    struct seen_operation {
        const char* name = nullptr;
        std::array<stage_cells*, stage_count> cells{};
    };

    static bool same(const seen_series& seen, const series_query& which) noexcept {
        return seen.name == which.name && same_short_text(seen.labels->set, which.set) &&
               same_short_text(seen.labels->name_space, which.name_space) &&
               same_short_text(seen.labels->error_kind, which.error_kind);
    }
    static uint64_t hash_of(const char* name) noexcept {
        const uint64_t mixed = reinterpret_cast<uintptr_t>(name) * uint64_t{0x9E37'79B9'7F4A'7C15};
        return mixed ^ mixed >> 29;
    }
    static size_t slot_of(const series_query& which) noexcept {
        uint64_t hash = hash_of(which.name) + hash_short_text(which.set) + 3 * hash_short_text(which.name_space);
        if (!which.error_kind.empty()) hash += 5 * hash_short_text(which.error_kind);
        return static_cast<size_t>(hash) % seen_series_count;
    }
    static size_t slot_of(const char* name) noexcept {
        return static_cast<size_t>(hash_of(name) >> 32) % seen_operations_count;
    }

    operation_cells* look_up(const series_query& which, seen_series& seen) noexcept;
    stage_cells* look_up(const char* name, size_t stage_index, seen_operation& seen) noexcept;

    // Written by the owner only; the pointers are read by everybody.
    std::array<std::atomic<chunk*>, series_max / chunk_size + 1> chunks_{};
    std::array<std::atomic<stage_cells*>, staged_operations_max * stage_count> stages_{};
    // The owner's memory of where it counted last.
    std::array<seen_series, seen_series_count> seen_series_{};
    std::array<seen_operation, seen_operations_count> seen_operations_{};
};

class registry {
  public:
    static registry& instance() noexcept;

    shard* adopt();  // for the calling thread, until it gives it back
    void give_back(shard* held) noexcept;

    struct numbered {
        uint32_t number;
        const series* labels;
    };
    numbered number_of(const series_query& which);
    size_t staged_operation(const char* name);

    // Copies of what readers walk over; the pointers stay valid for ever.
    struct contents {
        std::vector<const shard*> shards;
        std::vector<const series*> all_series;       // by number
        std::vector<std::string> staged_operations;  // by number
    };
    contents snapshot() const;

  private:
    registry();

    mutable std::mutex lock_;
    // Guarded by lock_.
    std::vector<std::unique_ptr<shard>> shards_;
    std::vector<shard*> idle_;
    std::unordered_map<std::string, uint32_t> numbers_;
    std::vector<std::unique_ptr<series>> series_;
    std::vector<std::string> staged_operations_;
};

// The shard of the calling thread, null when there is no memory for one.
shard* shard_of_thread() noexcept;
// While a thread ends, after its shard was given back: counts into a borrowed one.
bool thread_is_ending() noexcept;

}  // namespace aero::metrics
