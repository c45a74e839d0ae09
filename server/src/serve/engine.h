// The data of one node: its stores, and the rules by which requests read and write them. Knows its peers, so that a
// request for a record of another node is passed on and writes reach their replicas. Safe from any thread.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "options.h"
#include "ring/peer.h"
#include "serve/reply.h"
#include "store/store.h"

namespace aero_server {

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

    // Runs a request wherever its record lives and appends the reply. The result code of the reply.
    aero::code execute(const record_request& request, aero::buffer& to);
    // Runs it here or says who should.
    answer execute_here(const record_request& request, aero::buffer& to);
    // Bring what these keys will touch from memory, all at once instead of one after another.
    void prefetch(store& in, std::span<const aero::wire::request_row> rows) const noexcept;

    // The time a write is made at.
    uint64_t now_ms() const noexcept { return clock_.now_ms(); }
    // REQUIRES for both: this node is the partition's master and the caller holds its lock.
    void replicate(store& in, partition& part, const record& state);
    void replicate_drop(store& in, partition& part, const aero::wire::digest& key);

  private:
    const uint8_t self_;
    const options& options_;
    const server_clock& clock_;
    std::vector<std::unique_ptr<store>> stores_;
    std::vector<peer*> peers_;
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
