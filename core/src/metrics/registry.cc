#include "metrics/registry.h"

#include <pthread.h>

#include <algorithm>
#include <new>

#include "metrics/label.h"

namespace aero::metrics {

namespace {

// Null until the thread counts something and again when it ends. A plain pointer, so that reading it needs no guard.
thread_local shard* held = nullptr;
thread_local bool ending = false;

struct keeper {
    bool armed = false;
    ~keeper() {
        ending = true;
        if (held != nullptr) registry::instance().give_back(held);
        held = nullptr;
    }
};
thread_local keeper at_end;

void append_part(std::string& to, std::string_view part) {
    const auto size = static_cast<uint32_t>(part.size());
    to.append(reinterpret_cast<const char*>(&size), sizeof size);
    to.append(part);
}

std::string joined(const series& labels) {
    std::string text;
    for (const std::string* part : {&labels.operation, &labels.name_space, &labels.set, &labels.error_kind}) {
        append_part(text, *part);
    }
    return text;
}

}  // namespace

shard* shard_of_thread() noexcept {
    if (held != nullptr) [[likely]]
        return held;
    if (ending) return nullptr;
    try {
        held = registry::instance().adopt();
        at_end.armed = true;  // touching it registers its destructor for this thread
    } catch (const std::bad_alloc&) {}
    return held;
}

bool thread_is_ending() noexcept { return ending; }

const operation_cells* shard::operation(size_t number) const noexcept {
    const chunk* found = chunks_[number / chunk_size].load(std::memory_order_acquire);
    return found == nullptr ? nullptr : &(*found)[number % chunk_size];
}

operation_cells* shard::look_up(const series_query& which, seen_series& seen) noexcept {
    try {
        const auto [number, labels] = registry::instance().number_of(which);
        std::atomic<chunk*>& place = chunks_[number / chunk_size];
        chunk* found = place.load(std::memory_order_relaxed);
        if (found == nullptr) {
            found = new chunk{};
            place.store(found, std::memory_order_release);
        }
        operation_cells* cells = &(*found)[number % chunk_size];
        seen = {.name = which.name, .labels = labels, .cells = cells};
        return cells;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

stage_cells* shard::look_up(const char* name, size_t stage_index, seen_operation& seen) noexcept {
    try {
        const size_t operation = registry::instance().staged_operation(name);
        std::atomic<stage_cells*>& place = stages_[operation * stage_count + stage_index];
        stage_cells* cells = place.load(std::memory_order_relaxed);
        if (cells == nullptr) {
            cells = new stage_cells{};
            place.store(cells, std::memory_order_release);
        }
        if (seen.name != name) seen = {.name = name, .cells = {}};
        seen.cells[stage_index] = cells;
        return cells;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

registry& registry::instance() noexcept {
    static registry* const only = new registry;
    return *only;
}

registry::registry() {
    const series other{.operation = "other", .name_space = "other", .set = "other", .error_kind = "other"};
    numbers_.emplace(joined(other), 0);
    series_.push_back(std::make_unique<series>(other));
    // A child of fork() must not find the lock held by a thread that it does not have.
    pthread_atfork([] { instance().lock_.lock(); }, [] { instance().lock_.unlock(); },
                   [] { instance().lock_.unlock(); });
}

shard* registry::adopt() {
    const std::lock_guard guard(lock_);
    if (!idle_.empty()) {
        shard* taken = idle_.back();
        idle_.pop_back();
        return taken;
    }
    idle_.reserve(shards_.size() + 1);  // so that giving back never allocates
    return shards_.emplace_back(std::make_unique<shard>()).get();
}

void registry::give_back(shard* given) noexcept {
    const std::lock_guard guard(lock_);
    idle_.push_back(given);
}

registry::numbered registry::number_of(const series_query& which) {
    series labels{.operation = clean_label(which.name),
                  .name_space = clean_label(which.name_space),
                  .set = clean_label(which.set),
                  .error_kind = clean_label(which.error_kind)};
    const std::string name = joined(labels);
    const std::lock_guard guard(lock_);
    if (const auto known = numbers_.find(name); known != numbers_.end()) {
        return {known->second, series_[known->second].get()};
    }
    if (series_.size() > series_max) return {0, series_[0].get()};
    const auto number = static_cast<uint32_t>(series_.size());
    series_.push_back(std::make_unique<series>(std::move(labels)));
    try {
        numbers_.emplace(name, number);
    } catch (...) {
        series_.pop_back();
        throw;
    }
    return {number, series_.back().get()};
}

size_t registry::staged_operation(const char* name) {
    const std::string wanted = clean_label(name);
    const std::lock_guard guard(lock_);
    const auto known = std::find(staged_operations_.begin(), staged_operations_.end(), wanted);
    if (known != staged_operations_.end()) return static_cast<size_t>(known - staged_operations_.begin());
    if (staged_operations_.size() == staged_operations_max) return staged_operations_max - 1;
    const bool last = staged_operations_.size() == staged_operations_max - 1;
    staged_operations_.push_back(last ? "other" : wanted);
    return staged_operations_.size() - 1;
}

registry::contents registry::snapshot() const {
    contents copy;
    const std::lock_guard guard(lock_);
    copy.shards.reserve(shards_.size());
    for (const auto& each : shards_) copy.shards.push_back(each.get());
    copy.all_series.reserve(series_.size());
    for (const auto& each : series_) copy.all_series.push_back(each.get());
    copy.staged_operations = staged_operations_;
    return copy;
}

}  // namespace aero::metrics
