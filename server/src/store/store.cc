#include "store/store.h"

namespace aero_server {

namespace wire = aero::wire;

store::store(std::string name, uint8_t index, const server_clock& clock)
    : name_(std::move(name)), index_(index), clock_(clock), partitions_(new partition[wire::partitions]) {}

void store::account(const record& r, int64_t sign) noexcept {
    if (r.set == nullptr) return;
    r.set->objects.fetch_add(static_cast<uint64_t>(sign), std::memory_order_relaxed);
    r.set->data_bytes.fetch_add(static_cast<uint64_t>(sign * static_cast<int64_t>(r.memory())),
                                std::memory_order_relaxed);
}

void store::put(partition& in, record_ptr made) {
    if (const record* old = in.records.find(made->key)) account(*old, -1);
    account(*made, 1);
    in.records.put(std::move(made));
}

bool store::erase(partition& in, const wire::digest& key) {
    const record* old = in.records.find(key);
    if (old == nullptr) return false;
    account(*old, -1);
    return in.records.erase(key);
}

bool store::is_truncated(const record& r) const noexcept {
    if (r.last_update_ms < truncated_before_ms()) return true;
    return r.set != nullptr && r.last_update_ms < r.set->truncated_before_ms.load(std::memory_order_relaxed);
}

void store::absorb(unsigned id, const record& from) {
    record_ptr copy = make_record(from.key, from.stored_key_size, from.bins_size);
    copy->generation = from.generation;
    copy->bin_count = from.bin_count;
    copy->void_time = from.void_time;
    copy->last_update_ms = from.last_update_ms;
    std::memcpy(copy->data(), from.data(), size_t{from.stored_key_size} + from.bins_size);
    if (from.set != nullptr) copy->set = sets_.find_or_make(from.set->name);
    partition& p = at(id);
    const std::lock_guard hold(p.lock);
    put(p, std::move(copy));
}

void store::drop(unsigned id, const wire::digest& key) {
    partition& p = at(id);
    const std::lock_guard hold(p.lock);
    erase(p, key);
}

void store::clear(unsigned id) {
    partition& p = at(id);
    const std::lock_guard hold(p.lock);
    p.records.each([&](const record& r) { account(r, -1); });
    p.records.clear();
}

void store::truncate(std::string_view set, uint64_t before_ms) {
    std::atomic<uint64_t>* limit = &truncated_before_ms_;
    if (!set.empty()) {
        // A set without records is remembered too: the truncation shows in its attributes.
        set_info* found = sets_.find_or_make(set);
        if (found == nullptr) return;
        limit = &found->truncated_before_ms;
    }
    uint64_t known = limit->load();
    while (known < before_ms && !limit->compare_exchange_weak(known, before_ms)) {}
    for (unsigned id = 0; id < wire::partitions; ++id) {
        partition& p = at(id);
        const std::lock_guard hold(p.lock);
        p.records.erase_if([&](const record& r) {
            if (!is_truncated(r)) return false;
            account(r, -1);
            return true;
        });
    }
}

void store::remove_expired() {
    for (unsigned id = 0; id < wire::partitions; ++id) {
        partition& p = at(id);
        const std::lock_guard hold(p.lock);
        p.records.erase_if([&](const record& r) {
            if (!is_expired(r)) return false;
            account(r, -1);
            expired_.fetch_add(1, std::memory_order_relaxed);
            return true;
        });
    }
}

store::counts store::count() const {
    counts total;
    for (unsigned id = 0; id < wire::partitions; ++id) {
        const partition& p = at(id);
        const std::lock_guard hold(p.lock);
        (p.owners.mine == duty::master ? total.master : total.replica) += p.records.size();
        p.records.each([&](const record& r) { total.bytes += r.memory(); });
    }
    return total;
}

}  // namespace aero_server
