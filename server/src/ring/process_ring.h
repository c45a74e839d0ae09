// A cluster of processes as one of them knows it: who is heard, what is agreed, and the part this node plays in it.
//
// Every member sends every other a heartbeat. The first member that is heard leads: it leaves out who is silent, takes
// in who came, and moves partitions, one agreement after another (see agreement.h). A member that was left out while it
// was stopped forgets everything and comes again as a new one; until somebody confirms that it still belongs, it serves
// nothing (a lease, shorter than the silence after which it would be left out).
//
// Threads: one that leads and looks after the clock, one for each other member that sends heartbeats, those of the
// door. `lock_` guards what is heard and agreed; partition locks are taken inside it, never the other way round.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "ring/agreement.h"
#include "ring/membership.h"
#include "ring/parcels.h"
#include "ring/ring_door.h"
#include "ring/tcp_peer.h"
#include "serve/engine.h"

namespace aero_server {

class process_ring final : public membership {
  public:
    process_ring(const options& how, std::vector<std::string> node_ids, engine& data);
    ~process_ring() override { shutdown(); }
    process_ring(const process_ring&) = delete;
    process_ring& operator=(const process_ring&) = delete;

    std::string start();  // empty, or what is wrong
    bool wait_until_member(unsigned timeout_ms) const;
    void shutdown();  // tells the others, which go on without waiting for silence

    node_view view(unsigned node) const override;
    bool alive(unsigned node) const override;
    unsigned alive_count() const override;
    unsigned size() const override { return static_cast<unsigned>(node_ids_.size()); }
    const std::string& node_id(unsigned node) const override { return node_ids_[node]; }
    unsigned copies() const override;
    bool stable() const override;
    uint64_t key() const override;
    std::vector<peer_change> changes_after(unsigned node, uint64_t generation) const override;
    void truncate(std::string_view name_space, std::string_view set, uint64_t before_ms) override;

  private:
    enum class phase : uint8_t { give_up, take_over };
    struct sign {  // of life
        aero::nanos at = 0;
        uint64_t life = 0;
        uint64_t version = 0;  // of the agreement it acts by
    };
    struct errand {
        uint16_t partition;
        uint8_t target;
    };

    // process_ring.cc: what is agreed takes effect. REQUIRES: lock_ is held
    bool prepare(const agreement& next);
    bool act_by(const agreement& next);
    void count_change(const agreement& next);
    void start_anew();
    void serve_until(aero::nanos when);

    // process_ring_talk.cc: heartbeats, and requests of the others.
    void send_beats(unsigned to);
    void heard_back(unsigned from, aero::nanos sent, aero::byte_view told);
    void write_beat(aero::buffer& to, bool leaving) const;
    bool answer_request(aero::byte_view request, aero::buffer& to);
    bool answer_beat(aero::reader from, aero::buffer& to);
    bool answer_agreement(aero::reader from, aero::buffer& to);
    bool answer_errands(aero::reader from, aero::buffer& to);
    bool answer_write(parcels::kind what, aero::reader from, aero::buffer& to);
    bool answer_truncation(aero::reader from, aero::buffer& to);

    // process_ring_lead.cc: run by the thread that leads, with lock_ held and given back while others are asked.
    using holding = std::unique_lock<std::mutex>;
    void run();
    bool look_around(holding& hold);  // true: there is more to do at once
    node_set heard_members(aero::nanos now) const;
    node_set heard_newcomers(aero::nanos now) const;
    bool found(aero::nanos now, holding& hold);
    bool catch_up(node_set alive);
    bool publish(agreement next, holding& hold);
    bool migrate_some(holding& hold);
    std::vector<uint8_t> run_errands(unsigned master, const std::vector<errand>& list);
    uint64_t newest_version() const;

    const options& options_;
    const unsigned self_;
    const std::vector<std::string> node_ids_;
    engine& data_;
    const ring_plan plan_;
    ring_door door_;
    std::vector<std::unique_ptr<tcp_peer>> peers_;  // by member, own entry null

    mutable std::mutex lock_;
    mutable std::condition_variable changed_;
    uint64_t life_;
    agreement agreed_;   // what the node acts by
    agreement offered_;  // prepared for; not yet acted by
    std::array<sign, nodes_max> signs_{};
    node_view view_;
    std::vector<peer_change> changes_;
    bool settled_ = false;
    bool publish_again_ = false;  // somebody did not take the last agreement over
    aero::nanos lease_ = 0;       // until when this node serves
    aero::nanos started_ = 0;
    aero::nanos looked_ = 0;  // when the leading thread last looked around
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace aero_server
