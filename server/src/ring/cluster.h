// Who belongs to the cluster and who owns what. Nodes leave and come; partitions follow: a replica is promoted at once,
// missing copies are filled in the background, and a node that came back gets its partitions once it has their records.
//
// Each partition has one master at a time. Ownership changes hands under the locks of the partition on the nodes
// concerned, the old master's first (see store/partition.h). Safe from any thread; changes are made one after another.
//
//     leave(n):  [n, B] -> [B]  B serves at once; C is named as a filling replica -> filled: [B, C]
//     join(n):   [B, C] -> n is filled, unnamed                                   -> [n, B], C forgets its copy
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "ring/local_peer.h"
#include "ring/membership.h"
#include "ring/owner_table.h"

namespace aero_server {

class cluster final : public membership {
  public:
    cluster(const options& how, std::vector<std::string> node_ids, std::vector<engine*> engines);
    ~cluster() override { shutdown(); }
    void shutdown();  // ends the thread that migrates; nothing moves afterwards
    cluster(const cluster&) = delete;
    cluster& operator=(const cluster&) = delete;

    // All nodes at once, each owning its share from the start.
    void form();
    void join(unsigned node);   // empty
    void leave(unsigned node);  // its records are lost with it

    node_view view(unsigned node) const override;
    bool alive(unsigned node) const override { return peers_[node].alive(); }
    unsigned alive_count() const override;
    unsigned size() const override { return static_cast<unsigned>(engines_.size()); }
    const std::string& node_id(unsigned node) const override { return node_ids_[node]; }
    unsigned copies() const override;
    bool stable() const override;
    uint64_t key() const override;
    std::vector<peer_change> changes_after(unsigned node, uint64_t generation) const override;
    void truncate(std::string_view name_space, std::string_view set, uint64_t before_ms) override;
    bool wait_until_stable(unsigned timeout_ms) const;
    std::mutex& membership_lock() { return lock_; }

  private:
    // REQUIRES for all below: lock_ is held.
    node_set alive_nodes() const;
    owner_list wanted(unsigned partition) const {
        return wanted_owners(succession_[partition], alive_nodes(), copies());
    }
    void assign(unsigned partition, owner_list owners);
    void hand_out(unsigned partition, const owner_list& before, const owner_list& after);
    void set_duty(unsigned node, unsigned partition, const ownership& to);
    void change_membership(unsigned node, bool came);
    void schedule_migrations();
    void migrate(unsigned partition);
    void run_migrations();

    const options& options_;
    const std::vector<std::string> node_ids_;
    const std::vector<engine*> engines_;
    std::deque<local_peer> peers_;
    std::vector<std::vector<uint8_t>> succession_;  // by partition, of all nodes

    mutable std::mutex lock_;
    mutable std::condition_variable changed_;
    std::vector<owner_list> owners_;                 // by partition
    std::vector<node_view> views_;                   // by node
    std::vector<std::vector<peer_change>> changes_;  // by node
    std::deque<unsigned> to_migrate_;                // partitions
    uint64_t memberships_ = 0;
    bool stopping_ = false;
    std::thread migrator_;
};

}  // namespace aero_server
