#include "ring/parcels.h"
#include "serve/engine.h"

namespace aero_server {

namespace {

// The partition takes writes of `master`, and this one is younger than all it has taken. A write that was on its way
// when its sender gave up, or was succeeded, is known by this. REQUIRES: the caller holds the lock.
bool takes(partition& part, uint8_t master, uint64_t sequence) {
    if (part.owners.mine == duty::master || part.owners.master != master || sequence <= part.sequence) return false;
    part.sequence = sequence;
    return true;
}

// A node without a copy, and one that is still to get it, confirm what they need not keep.
bool keeps(const partition& part) { return part.owners.mine == duty::replica || part.being_filled; }

}  // namespace

bool engine::take_replica(uint8_t master, uint64_t sequence, store& in, record_ptr made) {
    partition& part = in.at(aero::wire::partition_of(made->key));
    const std::lock_guard hold(part.lock);
    if (!takes(part, master, sequence)) return false;
    if (!keeps(part)) return true;
    note_write('r', *made);
    in.put(part, std::move(made));
    return true;
}

bool engine::take_drop(uint8_t master, uint64_t sequence, store& in, const aero::wire::digest& key) {
    partition& part = in.at(aero::wire::partition_of(key));
    const std::lock_guard hold(part.lock);
    if (!takes(part, master, sequence)) return false;
    if (!keeps(part)) return true;
    note_drop(key);
    in.erase(part, key);
    return true;
}

bool engine::take_copy(uint8_t master, uint64_t sequence, store& in, unsigned id, bool first, aero::reader records) {
    partition& part = in.at(id);
    {
        const std::lock_guard hold(part.lock);
        if (first) {
            if (part.owners.mine == duty::replica || !takes(part, master, sequence)) return false;
            part.being_filled = true;
        } else if (!part.being_filled || sequence != part.sequence) {
            return false;
        }
    }
    if (first) in.clear(id);
    const std::lock_guard hold(part.lock);
    while (record_ptr made = parcels::read_record(records, in)) in.put(part, std::move(made));
    return records.ok();
}

void engine::give_up(unsigned id, const ownership& to) {
    for (const auto& in : stores_) {
        partition& part = in->at(id);
        const std::lock_guard hold(part.lock);
        part.being_filled |= keeps(part) || part.owners.mine == duty::master;
        part.owners = to;
        part.shown_rank.store(to.mine == duty::none ? no_node : to.rank, std::memory_order_relaxed);
    }
}

void engine::own(unsigned id, const ownership& to, uint64_t sequence) {
    for (const auto& in : stores_) {
        partition& part = in->at(id);
        {
            const std::lock_guard hold(part.lock);
            if (to.mine == duty::master && part.owners.mine != duty::master)
                part.sequence = std::max(part.sequence, sequence);
            part.owners = to;
            part.being_filled = false;
            part.shown_rank.store(to.mine == duty::none ? no_node : to.rank, std::memory_order_relaxed);
        }
        if (to.mine == duty::none) in->clear(id);
    }
}

}  // namespace aero_server
