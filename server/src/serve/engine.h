// The data of one node: its stores, and the rules by which requests read and write them. Knows its peers, so that a
// request for a record of another node is passed on and writes reach their replicas. Safe from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "options.h"
#include "ring/peer.h"
#include "serve/reply.h"
#include "store/store.h"
#include "store/write_log.h"

namespace aero_server {

// How long a request has waited for somebody who can carry it out; belongs to who asks, and starts anew with each
// request.
struct waiting {
    aero::nanos until = 0;          // 0: it has not waited yet
    bool may_have_written = false;  // a replica that did not confirm may have what was to be written
};

class engine {
  public:
    engine(uint8_t self, const options& how, const server_clock& clock);

    uint8_t self() const noexcept { return self_; }
    const options& settings() const noexcept { return options_; }
    // The other nodes by index, own entry null. Set once, before the first request.
    void meet(std::vector<peer*> peers) { peers_ = std::move(peers); }

    std::span<const std::unique_ptr<store>> stores() const noexcept { return stores_; }
    store* find_store(std::string_view name) const noexcept;
    // Forgets all records; the node plays no part in any partition afterwards.
    void clear();

    // Runs a request wherever its record lives and appends the reply: the result code of it. Nothing while nobody can,
    // as a new owner is not agreed on yet: then it is to be called again, in a millisecond, until its time is over.
    std::optional<aero::code> execute(const record_request& request, aero::buffer& to, waiting& so_far);
    // Runs it here or says who should.
    answer execute_here(const record_request& request, aero::buffer& to);
    // Bring what these keys will touch from memory, all at once instead of one after another.
    void prefetch(store& in, std::span<const aero::wire::request_row> rows) const noexcept;

    // The time a write is made at.
    uint64_t now_ms() const noexcept { return clock_.now_ms(); }
    // REQUIRES for both: this node is the partition's master and the caller holds its lock. False when a replica did
    // not confirm: then the write must not be carried out here either.
    bool replicate(store& in, partition& part, const record& state);
    bool replicate_drop(store& in, partition& part, const aero::wire::digest& key);

    // Copies a partition of this node to another and writes the copy from then on, so that nothing is missed. False
    // when the node is not the master or the other did not confirm.
    bool fill(unsigned partition, uint8_t target);

    // What the master of a partition, a node of another process, wants written here (serve/copies.cc). False when it is
    // not the master, as far as this node knows, or comes too late.
    bool take_replica(uint8_t master, uint64_t sequence, store& in, record_ptr made);
    bool take_drop(uint8_t master, uint64_t sequence, store& in, const aero::wire::digest& key);
    // The first records of a copy replace what was here.
    bool take_copy(uint8_t master, uint64_t sequence, store& in, unsigned partition, bool first, aero::reader records);
    // What an agreement between processes says of a partition. `sequence` is where a new master begins to count.
    void own(unsigned partition, const ownership& to, uint64_t sequence);
    // What is about to be said of it: nothing is served beyond that, but the records stay and writes are still taken,
    // in case another agreement is found.
    void give_up(unsigned partition, const ownership& to);

    // Every write is recorded from now on.
    void log_to(const write_log& log) noexcept { log_ = &log; }
    void note_write(char role, const record& state) const {
        if (log_ != nullptr) log_->wrote(role, state);
    }
    void note_drop(const aero::wire::digest& key) const {
        if (log_ != nullptr) log_->dropped(key);
    }

    // Until when the node may count on owning what it owned; past it nothing is served until others confirm.
    void serve_until(aero::nanos when) noexcept { serves_until_.store(when, std::memory_order_release); }
    bool serves() const noexcept {
        const aero::nanos until = serves_until_.load(std::memory_order_acquire);
        return until == aero::never || aero::monotonic_now() < until;
    }

  private:
    const uint8_t self_;
    const options& options_;
    const server_clock& clock_;
    std::vector<std::unique_ptr<store>> stores_;
    std::vector<peer*> peers_;
    const write_log* log_ = nullptr;
    std::atomic<aero::nanos> serves_until_{aero::never};
};

// The three ways a record is touched, in a file each. The caller holds the partition's lock.
struct touch_place {
    engine& node;
    store& in;
    partition& part;
};
outcome read_record(const touch_place& at, const record_request& request, reply& to);
outcome write_record(const touch_place& at, const record_request& request, reply& to);
outcome delete_record(const touch_place& at, const record_request& request);
// True when a read brings the record near enough to its end that its ttl has to be renewed, which only the master does.
bool read_renews(const store& in, const record& r, uint32_t percent) noexcept;

}  // namespace aero_server
