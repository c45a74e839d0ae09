// A peer that lives in the same process: calls its engine directly.
#pragma once

#include <atomic>

#include "ring/peer.h"
#include "serve/engine.h"

namespace aero_server {

class local_peer final : public peer {
  public:
    explicit local_peer(engine& to) : to_(to) {}

    void set_alive(bool alive) noexcept { alive_.store(alive, std::memory_order_release); }
    bool alive() const noexcept { return alive_.load(std::memory_order_acquire); }

    answer execute(const record_request& request, aero::buffer& to) override {
        if (!alive()) return {answer::kind::gone};
        return to_.execute_here(request, to);
    }
    bool write_replica(uint8_t namespace_index, uint64_t, const record& state) override {
        if (!alive()) return false;
        to_.stores()[namespace_index]->absorb(aero::wire::partition_of(state.key), state);
        return true;
    }
    bool drop_replica(uint8_t namespace_index, uint64_t, const aero::wire::digest& key) override {
        if (!alive()) return false;
        to_.stores()[namespace_index]->drop(aero::wire::partition_of(key), key);
        return true;
    }

    bool copy_partition(store& from, unsigned partition, uint64_t) override {
        if (!alive()) return false;
        store& into = *to_.stores()[from.index()];
        from.at(partition).records.each([&](const record& r) { into.absorb(partition, r); });
        return true;
    }

  private:
    engine& to_;
    std::atomic<bool> alive_{false};
};

}  // namespace aero_server
