#include "serve/engine.h"

#include <algorithm>

namespace aero_server {

namespace wire = aero::wire;
using aero::buffer;
using aero::code;

namespace {

constexpr unsigned hops_at_once = 4;     // while ownership changes hands, nodes may point at each other
constexpr uint32_t wait_ms = 1000;       // of a request that names no time of its own
constexpr uint32_t wait_ms_max = 10000;  // of any request

// The checks that need no record. Filters are refused rather than ignored: an expression that is not understood must
// never let a record through.
code check(const record_request& request) noexcept {
    if (request.has_transaction || request.info4 != 0) return code::enterprise_only;
    if (!request.writes() && !request.reads()) return code::parameter;
    if (request.writes() && !request.deletes() && request.has_udf) return code::unsupported_feature;
    if (request.has_filter) return code::parameter;
    return code::ok;
}

}  // namespace

engine::engine(uint8_t self, const options& how, const server_clock& clock)
    : self_(self), options_(how), clock_(clock) {
    for (const std::string& name : how.namespaces)
        stores_.push_back(std::make_unique<store>(name, static_cast<uint8_t>(stores_.size()), clock));
}

store* engine::find_store(std::string_view name) const noexcept {
    for (const auto& s : stores_)
        if (s->name() == name) return s.get();
    return nullptr;
}

void engine::clear() {
    for (const auto& s : stores_) {
        for (unsigned id = 0; id < wire::partitions; ++id) {
            {
                partition& part = s->at(id);
                const std::lock_guard hold(part.lock);
                part.owners = {};
                part.shown_rank.store(no_node, std::memory_order_relaxed);
            }
            s->clear(id);
        }
    }
}

answer engine::execute_here(const record_request& request, buffer& to) {
    reply row(to, request);
    const auto end = [&](const outcome& o) {
        row.finish(o);
        return answer{answer::kind::done, self_, o.what};
    };
    store* in = request.has_namespace ? find_store(request.name_space) : nullptr;
    if (in == nullptr) return end({code::invalid_namespace});
    if (const code bad = check(request); bad != code::ok) return end({bad});

    const auto nothing = [&](answer::kind what) {
        to.resize(to.size() - wire::message_header_size);
        return answer{what};
    };
    if (!serves()) return nothing(answer::kind::gone);
    partition& part = in->at(wire::partition_of(request.key));
    const std::lock_guard hold(part.lock);
    const duty mine = part.owners.mine;
    const bool serves = mine == duty::master || (mine == duty::replica && !request.writes());
    if (serves && mine == duty::replica && request.ttl != 0) {
        const record* r = part.records.find(request.key);
        if (r != nullptr && read_renews(*in, *r, request.ttl)) {
            to.resize(to.size() - wire::message_header_size);
            return {answer::kind::moved, part.owners.master};
        }
    }
    if (!serves) {
        const uint8_t master = part.owners.master;
        // A node that is leaving or has just come knows no master; who passed the request on asks again.
        if (master == no_node || master == self_) return nothing(answer::kind::gone);
        to.resize(to.size() - wire::message_header_size);
        return {answer::kind::moved, master};
    }
    const touch_place at{*this, *in, part};
    if (!request.writes()) return end(read_record(at, request, row));
    const outcome wrote = request.deletes() ? delete_record(at, request) : write_record(at, request, row);
    if (!wrote.unsettled) return end(wrote);
    row.restart();
    return nothing(answer::kind::unsettled);
}

std::optional<code> engine::execute(const record_request& request, buffer& to, waiting& so_far) {
    uint8_t target = self_;
    const auto end = [&](code what) {
        so_far = {};
        reply(to, request).finish({what});
        return what;
    };
    for (unsigned hop = 0; hop < hops_at_once; ++hop) {
        const answer got = target == self_ ? execute_here(request, to) : peers_[target]->execute(request, to);
        if (got.is == answer::kind::done) {
            so_far = {};
            return got.what;
        }
        // Asking once more could write twice; who asked us is told that it may have been written.
        if (got.is == answer::kind::lost && request.writes()) return end(code::timeout);
        if (got.is == answer::kind::unsettled) {
            so_far.may_have_written = true;
            break;
        }
        target = got.is == answer::kind::moved && got.master < peers_.size() ? got.master : self_;
    }
    const aero::nanos now = aero::monotonic_now();
    if (so_far.until == 0) {
        const uint32_t allowed_ms = request.timeout_ms == 0 ? wait_ms : std::min(request.timeout_ms, wait_ms_max);
        so_far.until = now + aero::from_ms(allowed_ms);
    }
    if (now >= so_far.until) return end(so_far.may_have_written ? code::timeout : code::partition_unavailable);
    return std::nullopt;
}

void engine::prefetch(store& in, std::span<const wire::request_row> rows) const noexcept {
    for (const auto& row : rows) __builtin_prefetch(&in.at(wire::partition_of(row.key)));
    for (const auto& row : rows) {
        partition& part = in.at(wire::partition_of(row.key));
        const std::lock_guard hold(part.lock);
        part.records.prefetch_slot(row.key);
    }
    for (const auto& row : rows) {
        partition& part = in.at(wire::partition_of(row.key));
        const std::lock_guard hold(part.lock);
        part.records.prefetch_record(row.key);
    }
}

bool engine::replicate(store& in, partition& part, const record& state) {
    ++part.sequence;
    for (unsigned i = 0; i < part.owners.replica_count; ++i)
        if (!peers_[part.owners.replicas[i]]->write_replica(in.index(), part.sequence, state)) return false;
    return true;
}

bool engine::fill(unsigned id, uint8_t target) {
    for (const auto& in : stores_) {
        partition& part = in->at(id);
        const std::lock_guard hold(part.lock);
        ownership& mine = part.owners;
        if (mine.mine != duty::master || !peers_[target]->copy_partition(*in, id, ++part.sequence)) return false;
        const uint8_t* const begin = mine.replicas.data();
        const uint8_t* const end = begin + mine.replica_count;
        if (std::find(begin, end, target) == end && mine.replica_count < replicas_max)
            mine.replicas[mine.replica_count++] = target;
    }
    return true;
}

bool engine::replicate_drop(store& in, partition& part, const wire::digest& key) {
    ++part.sequence;
    for (unsigned i = 0; i < part.owners.replica_count; ++i)
        if (!peers_[part.owners.replicas[i]]->drop_replica(in.index(), part.sequence, key)) return false;
    return true;
}

}  // namespace aero_server
