// A peer in another process: each call is a request and its answer on a connection of its own, taken from a few that
// are kept. A peer that did not answer in time counts as silent, and is asked nothing, until its heartbeat is heard.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "ring/peer.h"

namespace aero_server {

class tcp_peer final : public peer {
  public:
    // `self` names the caller to the peer. A request of a client waits `patience` for its answer.
    tcp_peer(uint8_t self, std::string host, uint16_t port, aero::nanos patience)
        : self_(self), host_(std::move(host)), port_(port), patience_(patience) {}
    ~tcp_peer() override { hear(false); }
    tcp_peer(const tcp_peer&) = delete;
    tcp_peer& operator=(const tcp_peer&) = delete;

    enum class end : uint8_t { answered, not_sent, lost };
    // Whether or not the peer is silent.
    end call(aero::byte_view request, aero::buffer& answer, aero::nanos patience);
    // Its heartbeat is heard, or no longer.
    void hear(bool heard);
    bool heard() const noexcept { return heard_.load(std::memory_order_acquire); }

    answer execute(const record_request& request, aero::buffer& to) override;
    bool write_replica(uint8_t namespace_index, uint64_t sequence, const record& state) override;
    bool drop_replica(uint8_t namespace_index, uint64_t sequence, const aero::wire::digest& key) override;
    bool copy_partition(store& from, unsigned partition, uint64_t sequence) override;

  private:
    int take();
    void give_back(int fd);
    end ask(aero::byte_view request, aero::buffer& answer);
    bool confirms(aero::byte_view request);

    const uint8_t self_;
    const std::string host_;
    const uint16_t port_;
    const aero::nanos patience_;
    std::atomic<bool> heard_{false};
    std::mutex lock_;
    std::vector<int> idle_;  // guarded by lock_
};

}  // namespace aero_server
