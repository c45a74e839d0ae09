#include <bit>

#include "ring/process_ring.h"

namespace aero_server {

namespace wire = aero::wire;

namespace {
constexpr size_t errands_at_once = 128;
constexpr uint32_t beats_alone = 6;  // without another's answer, before a member founds a cluster
}  // namespace

void process_ring::run() {
    holding hold(lock_);
    const auto pause = std::chrono::milliseconds(std::max(1u, options_.beat_ms / 3));
    while (!stopping_) {
        const bool more = look_around(hold);
        if (!more && !stopping_) changed_.wait_for(hold, pause, [&] { return stopping_; });
    }
}

bool process_ring::look_around(holding& hold) {
    const aero::nanos now = aero::monotonic_now();
    const aero::nanos dead = aero::from_ms(options_.dead_ms);
    // After a sleep of the whole process nobody was heard, which says nothing about the others.
    if (now - looked_ > dead / 2)
        for (sign& each : signs_)
            if (each.at != 0) each.at = now;
    looked_ = now;
    if (agreed_.version == 0) return found(now, hold);
    const node_set alive = heard_members(now);
    if (agreed_.members == only(self_)) serve_until(now + dead);
    if (static_cast<unsigned>(std::countr_zero(alive)) != self_) return false;  // another one leads
    if (!catch_up(alive)) return false;
    const node_set coming = heard_newcomers(now);
    if (alive != agreed_.members || coming != 0) {
        agreement next = plan_.next(agreed_, alive, alive == agreed_.members ? coming : 0);
        for (unsigned node = 0; node < size(); ++node)
            next.lives[node] = contains(next.members, node) ? (node == self_ ? life_ : signs_[node].life) : 0;
        next.key = (next.version + 1) * 0x9e3779b97f4a7c15 >> 16 ^ next.members;
        return publish(std::move(next), hold);
    }
    if (publish_again_) return publish(plan_.next(agreed_, alive, 0), hold);
    return !settled_ && migrate_some(hold);
}

node_set process_ring::heard_members(aero::nanos now) const {
    node_set found = only(self_);
    for (unsigned node = 0; node < size(); ++node) {
        const sign& of = signs_[node];
        if (node != self_ && agreed_.has(node, of.life) && now - of.at < aero::from_ms(options_.dead_ms))
            found |= only(node);
    }
    return found;
}

node_set process_ring::heard_newcomers(aero::nanos now) const {
    node_set found = 0;
    for (unsigned node = 0; node < size(); ++node) {
        const sign& of = signs_[node];
        const bool heard = of.life != 0 && now - of.at < aero::from_ms(options_.dead_ms) / 2;
        if (node != self_ && !contains(agreed_.members, node) && heard && of.version == 0) found |= only(node);
    }
    return found;
}

// The first agreement of all, by the first of those who hear each other and have none.
bool process_ring::found(aero::nanos now, holding& hold) {
    if (now - started_ < aero::from_ms(std::min(options_.dead_ms, options_.beat_ms * beats_alone))) return false;
    const node_set others = heard_newcomers(now);
    for (const sign& each : signs_)
        if (each.version != 0 && now - each.at < aero::from_ms(options_.dead_ms)) return false;  // it takes us in
    if ((others & (only(self_) - 1)) != 0) return false;
    agreement first = plan_.next(agreed_, 0, others | only(self_));
    for (unsigned node = 0; node < size(); ++node)
        first.lives[node] = node == self_ ? life_ : contains(others, node) ? signs_[node].life : 0;
    first.key = life_ >> 16;
    return publish(std::move(first), hold);
}

// A leader that succeeds another takes over what that one had agreed with anybody.
bool process_ring::catch_up(node_set alive) {
    uint64_t newest = 0;
    for (unsigned node = 0; node < size(); ++node)
        if (node != self_ && contains(alive, node)) newest = std::max(newest, signs_[node].version);
    if (newest <= agreed_.version) return true;
    if (newest != offered_.version) return start_anew(), false;
    const agreement missed = offered_;
    return act_by(missed);
}

uint64_t process_ring::newest_version() const {
    uint64_t newest = std::max(agreed_.version, offered_.version);
    for (const sign& each : signs_) newest = std::max(newest, each.version);
    return newest;
}

// Both steps at all members. When one does not prepare, nobody takes over and another agreement is made soon.
bool process_ring::publish(agreement next, holding& hold) {
    next.version = agreement::version_after(newest_version(), self_);
    publish_again_ = false;
    for (const phase step : {phase::give_up, phase::take_over}) {
        aero::buffer asked;
        asked.append_u8(static_cast<unsigned>(parcels::kind::agree));
        asked.append_u8(static_cast<unsigned>(step));
        append_agreement(asked, next);
        if (step == phase::give_up ? !prepare(next) : !act_by(next)) return false;
        hold.unlock();
        bool all = true;
        for (unsigned node = 0; node < size(); ++node) {
            if (node == self_ || !contains(next.members, node)) continue;
            aero::buffer told;
            const auto end = peers_[node]->call(asked.view(), told, aero::from_ms(options_.dead_ms / 2));
            if (end != tcp_peer::end::answered || !parcels::read_confirmation(told.view())) all = false;
        }
        hold.lock();
        if (step == phase::give_up && !all) {
            // What was given up is owned again by an agreement that everybody prepares for.
            publish_again_ = true;
            return false;
        }
        publish_again_ = !all;
    }
    return true;
}

bool process_ring::migrate_some(holding& hold) {
    std::array<std::vector<errand>, nodes_max> by_master;
    std::vector<unsigned> moving;
    for (unsigned id = 0; id < wire::partitions && moving.size() < errands_at_once; ++id) {
        const owner_list wanted = plan_.wanted(id, agreed_.members);
        const owner_list& now = agreed_.owners[id];
        if (is_settled(now, wanted)) continue;
        moving.push_back(id);
        for (const owner& w : wanted)
            if (!has_filled(now, w.node)) by_master[now.front().node].push_back({static_cast<uint16_t>(id), w.node});
    }
    agreement next = agreed_;
    next.base = agreed_.version;
    hold.unlock();
    std::vector<bool> failed(wire::partitions, false);
    for (unsigned master = 0; master < size(); ++master) {
        const auto& list = by_master[master];
        if (list.empty()) continue;
        const std::vector<uint8_t> done = run_errands(master, list);
        for (size_t i = 0; i < list.size(); ++i)
            if (i >= done.size() || done[i] == 0) failed[list[i].partition] = true;
    }
    hold.lock();
    if (stopping_ || agreed_.version != next.base) return false;
    bool any = false;
    for (const unsigned id : moving) {
        if (failed[id]) continue;
        next.owners[id] = plan_.wanted(id, agreed_.members);
        any = true;
    }
    if (!any || !publish(std::move(next), hold)) return false;
    const auto pause = std::chrono::microseconds(uint64_t{options_.migrate_pause_us} * moving.size());
    return !changed_.wait_for(hold, pause, [&] { return stopping_; });
}

// One byte for each, by the master itself.
std::vector<uint8_t> process_ring::run_errands(unsigned master, const std::vector<errand>& list) {
    aero::buffer asked;
    if (master != self_) asked.append_u8(static_cast<unsigned>(parcels::kind::migrate));
    for (const errand& each : list) {
        asked.append_be(each.partition);
        asked.append_u8(each.target);
    }
    aero::buffer told;
    if (master == self_) {
        if (!answer_errands(aero::reader(asked.view()), told)) return {};
    } else {
        const auto patience = aero::from_ms(options_.dead_ms) * 2;
        if (peers_[master]->call(asked.view(), told, patience) != tcp_peer::end::answered) return {};
    }
    return {told.data(), told.data() + told.size()};
}

}  // namespace aero_server
