#include "ring/cluster.h"

#include <signal.h>

#include <algorithm>

#include "ring/succession.h"

namespace aero_server {

namespace wire = aero::wire;

namespace {
// Partitions that migrate before anybody else may have the lock: on a machine whose processors are taken, giving it up
// costs a turn of them all.
constexpr unsigned moved_at_once = 32;
}  // namespace

cluster::cluster(const options& how, std::vector<std::string> node_ids, std::vector<engine*> engines)
    : options_(how), node_ids_(std::move(node_ids)), engines_(std::move(engines)) {
    for (engine* e : engines_) peers_.emplace_back(*e);
    for (unsigned self = 0; self < size(); ++self) {
        std::vector<peer*> others;
        for (unsigned i = 0; i < size(); ++i) others.push_back(i == self ? nullptr : &peers_[i]);
        engines_[self]->meet(std::move(others));
    }
    for (unsigned id = 0; id < wire::partitions; ++id) succession_.push_back(succession_of(id, node_ids_));
    owners_.resize(wire::partitions);
    views_.resize(size());
    changes_.resize(size());
    // Signals belong to the program's own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    migrator_ = std::thread([this] { run_migrations(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void cluster::shutdown() {
    {
        const std::lock_guard hold(lock_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (migrator_.joinable()) migrator_.join();
}

unsigned cluster::alive_count() const {
    return static_cast<unsigned>(std::count_if(peers_.begin(), peers_.end(), [](const auto& p) { return p.alive(); }));
}

unsigned cluster::copies() const {
    const unsigned most = std::min(options_.replication_factor, replicas_max + 1);
    return std::max(1u, std::min(most, alive_count()));
}

node_set cluster::alive_nodes() const {
    node_set found = 0;
    for (unsigned node = 0; node < size(); ++node)
        if (peers_[node].alive()) found |= only(node);
    return found;
}

void cluster::set_duty(unsigned node, unsigned partition, const ownership& to) {
    for (const auto& in : engines_[node]->stores()) {
        auto& part = in->at(partition);
        {
            const std::lock_guard hold(part.lock);
            part.owners = to;
            part.shown_rank.store(to.mine == duty::none ? no_node : to.rank, std::memory_order_relaxed);
        }
        if (to.mine == duty::none) in->clear(partition);
    }
}

// Tells the nodes: first the master of before, so that nothing is written meanwhile or to a node that forgets its copy;
// last the new one, so that no copy of before is read once it writes.
void cluster::hand_out(unsigned partition, const owner_list& before, const owner_list& after) {
    const uint8_t master = after.empty() ? no_node : after.front().node;
    const auto tell = [&](unsigned node) { set_duty(node, partition, ownership_of(after, node)); };
    const uint8_t old_master = before.empty() ? no_node : before.front().node;
    if (old_master != no_node) tell(old_master);
    for (unsigned node = 0; node < size(); ++node)
        if (node != old_master && node != master) tell(node);
    if (master != no_node && master != old_master) tell(master);
}

void cluster::assign(unsigned partition, owner_list owners) {
    hand_out(partition, owners_[partition], owners);
    for (unsigned node = 0; node < size(); ++node)
        if (names(owners_[partition], node) || names(owners, node))
            if (views_[node].partition_generation >= 0) ++views_[node].partition_generation;
    owners_[partition] = std::move(owners);
}

void cluster::form() {
    const std::lock_guard hold(lock_);
    for (auto& p : peers_) p.set_alive(true);
    ++memberships_;
    for (unsigned id = 0; id < wire::partitions; ++id) assign(id, wanted(id));
    for (unsigned node = 0; node < size(); ++node) {
        views_[node] = {0, 0, 1};
        for (unsigned other = 0; other < size(); ++other) {
            if (other == node) continue;
            views_[node].peers_generation += 2;
            changes_[node].push_back({views_[node].peers_generation, other, true});
        }
    }
}

// The steps of the generations are those of real nodes: two for a node that comes, one for a node that goes.
void cluster::change_membership(unsigned node, bool came) {
    ++memberships_;
    for (unsigned other = 0; other < size(); ++other) {
        if (!peers_[other].alive() || other == node) continue;
        node_view& v = views_[other];
        v.peers_generation += came ? 2 : 1;
        ++v.rebalance_generation;
        changes_[other].push_back({v.peers_generation, node, came});
        if (!came) continue;
        views_[node].peers_generation += 2;
        changes_[node].push_back({views_[node].peers_generation, other, true});
    }
}

void cluster::leave(unsigned node) {
    const std::lock_guard hold(lock_);
    if (!peers_[node].alive()) return;
    peers_[node].set_alive(false);
    change_membership(node, false);
    views_[node] = {};
    changes_[node].clear();
    for (unsigned id = 0; id < wire::partitions; ++id) {
        owner_list left = surviving_owners(owners_[id], alive_nodes(), wanted(id), copies());
        if (!same_nodes(left, owners_[id])) assign(id, std::move(left));
    }
    engines_[node]->clear();
    schedule_migrations();
}

void cluster::join(unsigned node) {
    const std::lock_guard hold(lock_);
    if (peers_[node].alive()) return;
    engines_[node]->clear();
    peers_[node].set_alive(true);
    views_[node] = {0, 0, 1};
    change_membership(node, true);
    for (unsigned id = 0; id < wire::partitions; ++id) {
        if (owners_[id].empty()) {
            assign(id, wanted(id));
        } else {
            ownership outside;
            outside.master = owners_[id].front().node;
            set_duty(node, id, outside);
        }
    }
    schedule_migrations();
}

void cluster::schedule_migrations() {
    to_migrate_.clear();
    for (unsigned id = 0; id < wire::partitions; ++id)
        if (!is_settled(owners_[id], wanted(id))) to_migrate_.push_back(id);
    changed_.notify_all();
}

void cluster::migrate(unsigned partition) {
    owner_list to = wanted(partition);
    const owner_list now = owners_[partition];
    if (now.empty() || to.empty()) return;
    for (const owner& w : to)
        if (!has_filled(now, w.node)) engines_[now.front().node]->fill(partition, w.node);
    assign(partition, std::move(to));
}

void cluster::run_migrations() {
    std::unique_lock hold(lock_);
    for (unsigned moved = 1;; ++moved) {
        changed_.wait(hold, [&] { return stopping_ || !to_migrate_.empty(); });
        if (stopping_) return;
        migrate(to_migrate_.front());
        to_migrate_.pop_front();
        if (to_migrate_.empty()) changed_.notify_all();
        if (options_.migrate_pause_us != 0) {
            changed_.wait_for(hold, std::chrono::microseconds(options_.migrate_pause_us), [&] { return stopping_; });
        } else if (moved % moved_at_once == 0) {
            hold.unlock();
            std::this_thread::yield();
            hold.lock();
        }
    }
}

cluster::node_view cluster::view(unsigned node) const {
    const std::lock_guard hold(lock_);
    return views_[node];
}

bool cluster::stable() const {
    const std::lock_guard hold(lock_);
    return to_migrate_.empty();
}

bool cluster::wait_until_stable(unsigned timeout_ms) const {
    std::unique_lock hold(lock_);
    return changed_.wait_for(hold, std::chrono::milliseconds(timeout_ms), [&] { return to_migrate_.empty(); });
}

uint64_t cluster::key() const {
    const std::lock_guard hold(lock_);
    uint64_t mixed = 0xcbf29ce484222325;
    for (unsigned node = 0; node < size(); ++node)
        if (peers_[node].alive())
            for (const char c : node_ids_[node]) mixed = (mixed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return (mixed ^ memberships_ * 0x9e3779b97f4a7c15) & 0xFFFF'FFFF'FFFF;
}

std::vector<cluster::peer_change> cluster::changes_after(unsigned node, uint64_t generation) const {
    const std::lock_guard hold(lock_);
    std::vector<peer_change> found;
    for (const peer_change& change : changes_[node])
        if (change.generation > generation) found.push_back(change);
    return found;
}

void cluster::truncate(std::string_view name_space, std::string_view set, uint64_t before_ms) {
    for (unsigned node = 0; node < size(); ++node) {
        if (!peers_[node].alive()) continue;
        if (store* in = engines_[node]->find_store(name_space)) in->truncate(set, before_ms);
    }
}

}  // namespace aero_server
