#include "testing/sim_cluster.h"

#include <algorithm>

namespace aero::tests {

sim_cluster::sim_cluster(sim_world& world, sim_network& network, unsigned nodes, unsigned replicas,
                         const sim_door_rules& rules, const sim_tls_rules& tls)
    : world_(world),
      network_(network),
      replicas_(replicas),
      chances_(sim_random::mix(world.seed(), 999)),
      rules_(rules),
      tls_rules_(tls),
      learned_(nodes, 0) {
    for (unsigned i = 0; i < nodes; ++i) {
        nodes_.push_back(std::make_unique<sim_node>(world, network, model_, manners_, rules_, tls_rules_, i));
        nodes_.back()->start(home_of(i));
        members_.push_back(i);
    }
    for (const auto& each : nodes_) learn(*each, members_);
}

void sim_cluster::kill(unsigned index, sim_network::death how) {
    nodes_[index]->die(how);
    rebalance_after(from_ms(1500));
}

void sim_cluster::start(unsigned index, bool elsewhere) {
    std::string host = home_of(index);
    if (elsewhere) host = "10.0." + std::to_string(1 + chances_.below(250)) + "." + std::to_string(index + 1);
    nodes_[index]->start(host);
    rebalance_after(from_ms(1000));
}

void sim_cluster::migrate() {
    shift_ += 1 + static_cast<unsigned>(chances_.below(7));
    rebalance_after(from_ms(10));
}

void sim_cluster::part(unsigned first_of_others) {
    parted_at_ = first_of_others;
    rebalance_after(from_ms(1000));
}

void sim_cluster::heal() {
    manners_ = {.strict = manners_.strict};
    parted_at_ = 0;
    for (unsigned i = 0; i < size(); ++i) {
        if (!nodes_[i]->up()) start(i, false);
        nodes_[i]->show_certificate(sim_tls_host::shown::own);
        nodes_[i]->hurry();
    }
    rebalance_after(from_ms(500));
}

void sim_cluster::rebalance_after(nanos at_most) {
    ++pending_;
    world_.after(chances_.between(from_ms(5), from_ms(5) + at_most), [this] {
        --pending_;
        rebalance();
    });
}

// The members of each part agree on who is there; each learns of it in its own time.
void sim_cluster::rebalance() {
    members_.clear();
    std::vector<unsigned> others;
    for (unsigned i = 0; i < size(); ++i) {
        if (nodes_[i]->up()) (parted_at_ != 0 && i >= parted_at_ ? others : members_).push_back(i);
    }
    const uint64_t round = ++round_;
    for (unsigned i = 0; i < size(); ++i) {
        if (!nodes_[i]->up()) continue;
        const bool here = std::ranges::find(members_, i) != members_.end();
        ++pending_;
        world_.after(chances_.between(0, from_ms(300)),
                     [this, i, members = here ? members_ : others, round, of = nodes_[i]->life()] {
                         --pending_;
                         agreed_at_ = world_.now();
                         if (!nodes_[i]->up() || nodes_[i]->life() != of || learned_[i] >= round) return;
                         learned_[i] = round;
                         learn(*nodes_[i], members);
                     });
    }
}

void sim_cluster::learn(sim_node& who, const std::vector<unsigned>& members) {
    sim_node::knowledge what{.peers = {}, .claim = {.name_space = "test", .regime = 0, .replicas = {}}};
    size_t place = 0;
    for (size_t i = 0; i < members.size(); ++i) {
        const sim_node& other = *nodes_[members[i]];
        if (&other == &who)
            place = i;
        else
            what.peers.push_back({other.name(), other.tls_name(), {other.tended_at()}});
    }
    what.claim.replicas.resize(std::min<size_t>(replicas_, members.size()));
    for (unsigned r = 0; r < what.claim.replicas.size(); ++r) {
        for (unsigned p = 0; p < wire::partitions; ++p) {
            if ((p + shift_ + r) % members.size() == place) what.claim.replicas[r].add(p);
        }
    }
    who.learn(std::move(what));
}

std::string sim_cluster::master_of(unsigned partition) const {
    return nodes_[members_[(partition + shift_) % members_.size()]]->name();
}

}  // namespace aero::tests
