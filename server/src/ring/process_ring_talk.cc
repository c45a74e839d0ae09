#include "ring/process_ring.h"

namespace aero_server {

namespace wire = aero::wire;

// Bytes of a beat after its kind: sender, life, version, and whether it leaves.
void process_ring::write_beat(aero::buffer& to, bool leaving) const {
    to.append_u8(static_cast<unsigned>(parcels::kind::beat));
    to.append_u8(self_);
    to.append_be(life_);
    to.append_be(agreed_.version);
    to.append_u8(leaving);
}

void process_ring::send_beats(unsigned to) {
    tcp_peer& there = *peers_[to];
    aero::buffer beat;
    aero::buffer told;
    holding hold(lock_);
    while (!stopping_) {
        beat.clear();
        write_beat(beat, false);
        const aero::nanos sent = aero::monotonic_now();
        hold.unlock();
        const bool answered = there.call(beat.view(), told, aero::from_ms(options_.dead_ms)) == tcp_peer::end::answered;
        there.hear(answered);
        hold.lock();
        if (answered) heard_back(to, sent, told.view());
        const aero::nanos next = sent + aero::from_ms(options_.beat_ms);
        const auto pause = std::chrono::nanoseconds(std::max<aero::nanos>(1, next - aero::monotonic_now()));
        changed_.wait_for(hold, pause, [&] { return stopping_ || aero::monotonic_now() >= next; });
    }
}

// REQUIRES: lock_ is held
void process_ring::heard_back(unsigned from, aero::nanos sent, aero::byte_view told) {
    aero::reader in(told);
    const auto life = in.be<uint64_t>();
    const auto version = in.be<uint64_t>();
    const auto my_life = in.be<uint64_t>();  // by its agreement; 0: I do not belong
    if (!in.ok()) return;
    signs_[from] = {aero::monotonic_now(), life, version};
    if (agreed_.version == 0 || !contains(agreed_.members, from)) return;
    if (version > agreed_.version && my_life != life_) return start_anew();
    // Shorter than the silence after which I would be left out, and counted from before I was heard.
    const aero::nanos lease = aero::from_ms(options_.dead_ms) - aero::from_ms(options_.dead_ms) / 8;
    if (version >= agreed_.version && my_life == life_) serve_until(sent + lease);
}

bool process_ring::answer_beat(aero::reader from, aero::buffer& to) {
    const unsigned sender = from.u8();
    const auto life = from.be<uint64_t>();
    const auto version = from.be<uint64_t>();
    const bool leaving = from.u8() != 0;
    if (!from.ok() || sender >= size() || sender == self_) return false;
    const std::lock_guard hold(lock_);
    if (stopping_) return false;
    signs_[sender] = leaving ? sign{} : sign{aero::monotonic_now(), life, version};
    to.append_be(life_);
    to.append_be(agreed_.version);
    to.append_be(agreed_.version != 0 && contains(agreed_.members, sender) ? agreed_.lives[sender] : uint64_t{0});
    return true;
}

bool process_ring::answer_agreement(aero::reader from, aero::buffer& to) {
    const uint8_t step = from.u8();
    const auto next = read_agreement(from);
    if (!next || step > static_cast<uint8_t>(phase::take_over)) return false;
    const std::lock_guard hold(lock_);
    parcels::confirm(to, static_cast<phase>(step) == phase::give_up ? prepare(*next) : act_by(*next));
    return true;
}

// A partition and who is to get a copy of it, each.
bool process_ring::answer_errands(aero::reader from, aero::buffer& to) {
    const aero::nanos deadline = aero::monotonic_now() + aero::from_ms(options_.dead_ms);
    while (!from.at_end()) {
        const auto partition = from.be<uint16_t>();
        const uint8_t target = from.u8();
        if (!from.ok() || partition >= wire::partitions || target >= size() || target == self_) return false;
        to.append_u8(aero::monotonic_now() < deadline && data_.fill(partition, target));
    }
    return from.ok();
}

bool process_ring::answer_write(parcels::kind what, aero::reader from, aero::buffer& to) {
    const parcels::origin by = parcels::read_origin(from);
    if (!from.ok() || by.namespace_index >= data_.stores().size()) return false;
    store& in = *data_.stores()[by.namespace_index];
    bool done = false;
    if (what == parcels::kind::copy) {
        const auto partition = from.be<uint16_t>();
        const bool first = from.u8() != 0;
        if (!from.ok() || partition >= wire::partitions) return false;
        done = data_.take_copy(by.node, by.sequence, in, partition, first, from);
    } else if (what == parcels::kind::replica) {
        record_ptr made = parcels::read_record(from, in);
        if (made == nullptr || !from.at_end()) return false;
        done = data_.take_replica(by.node, by.sequence, in, std::move(made));
    } else {
        wire::digest key{};
        const aero::byte_view bytes = from.take(key.size());
        if (!from.ok() || !from.at_end()) return false;
        std::copy(bytes.begin(), bytes.end(), key.begin());
        done = data_.take_drop(by.node, by.sequence, in, key);
    }
    parcels::confirm(to, done);
    return true;
}

bool process_ring::answer_truncation(aero::reader from, aero::buffer& to) {
    store* in = data_.find_store(parcels::read_text(from));
    const std::string_view set = parcels::read_text(from);
    const auto before_ms = from.be<uint64_t>();
    if (in == nullptr || !from.ok()) return false;
    in->truncate(set, before_ms);
    parcels::confirm(to, true);
    return true;
}

bool process_ring::answer_request(aero::byte_view request, aero::buffer& to) {
    aero::reader from(request);
    const auto what = static_cast<parcels::kind>(from.u8());
    switch (what) {
        case parcels::kind::beat: return answer_beat(from, to);
        case parcels::kind::agree: return answer_agreement(from, to);
        case parcels::kind::migrate: return answer_errands(from, to);
        case parcels::kind::copy:
        case parcels::kind::replica:
        case parcels::kind::drop: return answer_write(what, from, to);
        case parcels::kind::truncate: return answer_truncation(from, to);
        case parcels::kind::execute: break;
        default: return false;
    }
    const auto asked = parcels::read_request(from);
    if (!asked) return false;
    aero::buffer reply;
    const answer got = data_.execute_here(*asked, reply);
    parcels::write_answer(to, got, reply.view());
    return true;
}

}  // namespace aero_server
