#include "store/record_table.h"

namespace aero_server {

namespace {
constexpr size_t cache_line_size = 64;
constexpr size_t prefetched_size = 256;  // of a record; the processor follows by itself from there on
}  // namespace

size_t record_table::locate(const aero::wire::digest& key) const noexcept {
    const uint64_t tag = tag_of(key);
    size_t at = home_of(tag);
    while (slots_[at].held != nullptr && (slots_[at].tag != tag || slots_[at].held->key != key)) at = next(at);
    return at;
}

record* record_table::find(const aero::wire::digest& key) const noexcept {
    return slots_.empty() ? nullptr : slots_[locate(key)].held;
}

void record_table::prefetch_record(const aero::wire::digest& key) const noexcept {
    if (slots_.empty()) return;
    const uint64_t tag = tag_of(key);
    for (size_t at = home_of(tag); slots_[at].held != nullptr; at = next(at)) {
        if (slots_[at].tag != tag) continue;
        const auto* block = reinterpret_cast<const char*>(slots_[at].held);
        for (size_t line = 0; line < prefetched_size; line += cache_line_size) __builtin_prefetch(block + line);
        return;
    }
}

void record_table::put(record_ptr made) {
    if ((count_ + 1) * 4 > slots_.size() * 3) grow();
    slot& s = slots_[locate(made->key)];
    if (s.held == nullptr) ++count_;
    s.tag = tag_of(made->key);
    record_ptr(s.held).reset();
    s.held = made.release();
}

bool record_table::erase(const aero::wire::digest& key) noexcept {
    if (slots_.empty()) return false;
    size_t hole = locate(key);
    if (slots_[hole].held == nullptr) return false;
    record_ptr(slots_[hole].held).reset();
    --count_;
    // Later records of the same run move up, unless that would put them before their home.
    for (size_t at = next(hole); slots_[at].held != nullptr; at = next(at)) {
        const size_t home = home_of(slots_[at].tag);
        const size_t from_home = (at - home) & (slots_.size() - 1);
        const size_t from_hole = (at - hole) & (slots_.size() - 1);
        if (from_home < from_hole) continue;
        slots_[hole] = slots_[at];
        hole = at;
    }
    slots_[hole] = {};
    return true;
}

void record_table::clear() noexcept {
    for (slot& s : slots_) record_ptr(s.held).reset();
    slots_.clear();
    slots_.shrink_to_fit();
    count_ = 0;
}

void record_table::grow() {
    std::vector<slot> old(slots_.empty() ? 8 : slots_.size() * 2);
    old.swap(slots_);
    for (const slot& s : old)
        if (s.held != nullptr) slots_[locate(s.held->key)] = s;
}

}  // namespace aero_server
