// The nodes of the simulated world as a cluster: they die, come back, move, part, lie, and share out partitions anew.
//
// All nodes work on one model of the data, as a cluster that replicates before it answers does. Who is there is agreed
// on after a while, and each node learns of it in its own time.
#pragma once

#include <memory>
#include <vector>

#include "testing/sim_node.h"

namespace aero::tests {

class sim_cluster {
  public:
    sim_cluster(sim_world& world, sim_network& network, unsigned nodes, unsigned replicas, const sim_door_rules& rules,
                const sim_tls_rules& tls);

    static std::string home_of(unsigned node) { return "10.0.0." + std::to_string(node + 1); }
    void set_manners(const sim_manners& manners) { manners_ = manners; }
    void kill(unsigned node, sim_network::death how);
    void start(unsigned node, bool elsewhere);
    void freeze(unsigned node) { nodes_[node]->freeze(); }
    void thaw(unsigned node) { nodes_[node]->thaw(); }
    void migrate();  // partitions change hands though nobody came or went
    void part(unsigned first_of_others);
    void forget_sessions() {
        for (const auto& each : nodes_) each->forget_sessions();
    }
    void show_certificate(unsigned node, sim_tls_host::shown which) { nodes_[node]->show_certificate(which); }
    void lie(unsigned node, sim_node::lie which) { nodes_[node]->tell(which); }
    void tell_the_truth(unsigned node) {
        if (nodes_[node]->up()) nodes_[node]->tell_the_truth();
    }
    // Everybody is up, together and honest; what hangs is answered. The others agree soon.
    void heal();

    bool alive(unsigned node) const { return nodes_[node]->up(); }
    unsigned size() const noexcept { return static_cast<unsigned>(nodes_.size()); }
    std::string host_of(unsigned node) const { return nodes_[node]->host(); }
    std::string master_of(unsigned partition) const;         // when all have agreed
    nanos agreed_at() const noexcept { return agreed_at_; }  // when the last node learned what was decided last
    bool agreed() const noexcept { return pending_ == 0; }
    sim_model& model() noexcept { return model_; }

  private:
    void rebalance_after(nanos at_most);
    void rebalance();
    void learn(sim_node& who, const std::vector<unsigned>& members);

    sim_world& world_;
    sim_network& network_;
    const unsigned replicas_;
    sim_random chances_;
    sim_manners manners_;
    const sim_door_rules rules_;
    const sim_tls_rules tls_rules_;
    sim_model model_;
    std::vector<std::unique_ptr<sim_node>> nodes_;
    std::vector<uint64_t> learned_;  // the round that each node knows
    std::vector<unsigned> members_;  // as of the last rebalance of a whole cluster
    unsigned parted_at_ = 0;         // nodes from here on are a cluster of their own
    unsigned shift_ = 0;
    uint64_t round_ = 0;
    unsigned pending_ = 0;  // rebalances and lessons to come
    nanos agreed_at_ = 0;
};

}  // namespace aero::tests
