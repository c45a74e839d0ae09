#include "ring/process_ring.h"

#include <signal.h>

#include <bit>
#include <random>

namespace aero_server {

namespace wire = aero::wire;

namespace {

uint64_t new_life() {
    std::random_device source;
    return (uint64_t{source()} << 32 | source()) | 1;
}

}  // namespace

process_ring::process_ring(const options& how, std::vector<std::string> node_ids, engine& data)
    : options_(how),
      self_(how.member),
      node_ids_(std::move(node_ids)),
      data_(data),
      plan_(node_ids_, how.replication_factor),
      life_(new_life()) {
    std::vector<peer*> met;
    for (unsigned node = 0; node < size(); ++node) {
        const member_option& there = how.members[node];
        peers_.push_back(node == self_ ? nullptr
                                       : std::make_unique<tcp_peer>(static_cast<uint8_t>(self_), there.host,
                                                                    there.ring_port, aero::from_ms(how.beat_ms)));
        met.push_back(peers_.back().get());
    }
    data_.meet(std::move(met));
    data_.serve_until(0);
}

std::string process_ring::start() {
    const auto answering = [this](aero::byte_view request, aero::buffer& to) { return answer_request(request, to); };
    const member_option& here = options_.members[self_];
    if (std::string problem = door_.start(here.host, here.ring_port, answering); !problem.empty()) return problem;
    started_ = looked_ = aero::monotonic_now();
    // Signals belong to the program's own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    threads_.emplace_back([this] { run(); });
    for (unsigned node = 0; node < size(); ++node)
        if (node != self_) threads_.emplace_back([this, node] { send_beats(node); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return {};
}

void process_ring::shutdown() {
    aero::buffer farewell;
    {
        const std::lock_guard hold(lock_);
        if (stopping_) return;
        stopping_ = true;
        data_.serve_until(0);
        write_beat(farewell, true);
    }
    changed_.notify_all();
    for (std::thread& each : threads_) each.join();
    threads_.clear();
    aero::buffer answer;
    for (const auto& to : peers_)
        if (to != nullptr && to->heard()) to->call(farewell.view(), answer, aero::from_ms(options_.beat_ms));
    door_.stop();
}

bool process_ring::wait_until_member(unsigned timeout_ms) const {
    std::unique_lock hold(lock_);
    return changed_.wait_for(hold, std::chrono::milliseconds(timeout_ms), [&] { return agreed_.version != 0; });
}

// Gives up what is no longer owned. What is won is not touched yet: its owner of before may still write.
bool process_ring::prepare(const agreement& next) {
    if (!next.has(self_, life_)) return false;
    // A member that missed the second step of the last agreement makes up for it.
    if (agreed_.version != 0 && next.base != agreed_.version && next.base == offered_.version) act_by(offered_);
    if (next.version <= std::max(agreed_.version, offered_.version)) return false;
    if (agreed_.version != 0 && next.base != agreed_.version) return false;
    for (unsigned id = 0; id < wire::partitions && agreed_.version != 0; ++id) {
        const duty before = ownership_of(agreed_.owners[id], self_).mine;
        const ownership after = ownership_of(next.owners[id], self_);
        const bool steps_down = before == duty::master && after.mine != duty::master;
        const bool goes = before != duty::none && after.mine == duty::none;
        if (steps_down || goes) data_.give_up(id, after);
    }
    offered_ = next;
    return true;
}

bool process_ring::act_by(const agreement& next) {
    if (!next.has(self_, life_) || next.version != offered_.version) return false;
    if (next.version == agreed_.version) return true;
    for (unsigned id = 0; id < wire::partitions; ++id)
        data_.own(id, ownership_of(next.owners[id], self_), next.version << 32);
    count_change(next);
    // Taken over as one value: who reads the offer once more finds it agreed.
    agreed_ = next;
    settled_ = plan_.is_settled(agreed_);
    serve_until(aero::monotonic_now() + aero::from_ms(options_.dead_ms / 2));
    changed_.notify_all();
    return true;
}

// The steps of the generations are those of real nodes: two for a node that comes, one for a node that goes.
void process_ring::count_change(const agreement& next) {
    const bool first = agreed_.version == 0;
    if (first) view_ = {0, 0, 1};
    for (unsigned node = 0; node < size(); ++node) {
        if (node == self_) continue;
        const bool was = !first && contains(agreed_.members, node);
        const bool is = contains(next.members, node);
        const bool same_life = agreed_.lives[node] == next.lives[node];
        if (was && !(is && same_life)) changes_.push_back({++view_.peers_generation, node, false});
        if (is && !(was && same_life)) changes_.push_back({view_.peers_generation += 2, node, true});
    }
    if (first) return;
    if (next.key != agreed_.key) ++view_.rebalance_generation;
    for (unsigned id = 0; id < wire::partitions; ++id) {
        const owner_list& before = agreed_.owners[id];
        const owner_list& after = next.owners[id];
        if (before != after && (names(before, self_) || names(after, self_))) ++view_.partition_generation;
    }
}

void process_ring::serve_until(aero::nanos when) {
    lease_ = std::max(lease_, when);
    data_.serve_until(lease_);
}

void process_ring::start_anew() {
    lease_ = 0;
    serve_until(0);
    data_.clear();
    life_ = new_life();
    agreed_ = {};
    offered_ = {};
    view_ = {};
    changes_.clear();
    settled_ = false;
    started_ = aero::monotonic_now();
}

process_ring::node_view process_ring::view(unsigned) const {
    const std::lock_guard hold(lock_);
    return view_;
}
bool process_ring::alive(unsigned node) const {
    const std::lock_guard hold(lock_);
    return contains(agreed_.members, node);
}
unsigned process_ring::alive_count() const {
    const std::lock_guard hold(lock_);
    return agreed_.member_count();
}
unsigned process_ring::copies() const {
    const std::lock_guard hold(lock_);
    return plan_.copies(agreed_.members);
}
bool process_ring::stable() const {
    const std::lock_guard hold(lock_);
    return settled_;
}
uint64_t process_ring::key() const {
    const std::lock_guard hold(lock_);
    return agreed_.key;
}
std::vector<membership::peer_change> process_ring::changes_after(unsigned, uint64_t generation) const {
    const std::lock_guard hold(lock_);
    std::vector<peer_change> found;
    for (const peer_change& change : changes_)
        if (change.generation > generation) found.push_back(change);
    return found;
}

void process_ring::truncate(std::string_view name_space, std::string_view set, uint64_t before_ms) {
    if (store* in = data_.find_store(name_space)) in->truncate(set, before_ms);
    aero::buffer asked;
    asked.append_u8(static_cast<unsigned>(parcels::kind::truncate));
    parcels::append_text(asked, name_space);
    parcels::append_text(asked, set);
    asked.append_be(before_ms);
    aero::buffer told;
    for (const auto& to : peers_)
        if (to != nullptr && to->heard()) to->call(asked.view(), told, aero::from_ms(options_.dead_ms));
}

}  // namespace aero_server
