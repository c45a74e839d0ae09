// The connections of one event_client to one node, and the attempts that wait for one: last in first out, at most so
// many busy at once, the rest queue in order.
//
// One thread. A connection owns the attempt that runs on it; an attempt whose call let go drains until its time is
// over.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "aero/event_client.h"
#include "base/timer_wheel.h"
#include "cluster/concurrency_limit.h"
#include "command/call.h"
#include "io/reactor.h"

namespace aero::detail {

class lane;

struct loop_connection {
    explicit loop_connection(lane& of) : home(of) {}

    lane& home;
    io::stream stream;
    std::unique_ptr<command::attempt> attempt;  // none while at rest
    command::action next{};
    nanos last_used = 0;
    nanos opened = 0;
    bool connecting = true;
    bool stamps = false;
    io::readiness interest = io::readiness::write;
    timer drain_alarm{this};  // set once nobody waits for the reply
    size_t place = 0;         // within lane::all_
};

// Told when an attempt has ended, whatever way.
class attempt_sink {
  public:
    virtual void attempt_ended(std::unique_ptr<command::attempt> ended, nanos now) = 0;

  protected:
    ~attempt_sink() = default;
};

class lane {
  public:
    struct limits {
        uint32_t kept;  // connections that stay however long they rest
        uint32_t busy_max;
        uint32_t queued_max;
        bool adapts;               // to how long the node takes: fewer than busy_max may be at work
        uint32_t connections_max;  // per node and client, shared with everybody else
        nanos idle_max;
        nanos connect_max;
    };

    lane(std::shared_ptr<cluster::node> to, io::reactor& watched, timer_wheel& timers, attempt_sink& told, limits set);
    ~lane();
    lane(const lane&) = delete;
    lane& operator=(const lane&) = delete;

    const cluster::node* node() const noexcept { return node_.get(); }
    bool retired() const noexcept { return !node_->active() && all_.empty() && queue_.empty(); }

    // Runs it at once when a connection is at rest, connects when one more is allowed, queues otherwise.
    void run(std::unique_ptr<command::attempt> ready, nanos now);
    void ready(loop_connection& which, bool readable, bool writable, nanos now);
    // Reads what is there of the reply and goes on. False when nothing was. REQUIRES: it waits for its reply.
    bool read(loop_connection& which, nanos now);
    // The one connection at work, if it waits for its reply and no other is; else null.
    loop_connection* only_reading() const noexcept;
    void drain_expired(loop_connection& which, nanos now);
    // The call let go of the attempt on it: the reply may be drained, if all was sent, until its time is over.
    void let_go(loop_connection& which, nanos now);
    // Frees connections dropped since the last time. Not while events of theirs may still be at hand.
    void bury() noexcept { dropped_.clear(); }
    void close_idle(nanos now);  // those at rest for longer than idle_max but for `kept`, all of an inactive node
    void keep_open(nanos now);   // opens what is missing to `kept`
    void abandon_after_fork() noexcept;
    size_t busy() const noexcept { return all_.size() - idle_.size(); }
    size_t connections() const noexcept { return all_.size(); }

  private:
    void begin(loop_connection& on, std::unique_ptr<command::attempt> ready, nanos now);
    void make_room();
    bool connect(nanos now);
    void serve_queue(nanos now);
    // Connections that may be at work.
    uint32_t busy_most() const noexcept { return adapted_ ? adapted_->value() : limits_.busy_max; }
    bool full() const noexcept { return busy() >= busy_most(); }
    void connect_over(loop_connection& which);
    void connected(loop_connection& which, nanos now);
    void advance(loop_connection& which, const command::event& happened, nanos now);
    void send(loop_connection& which, nanos now);
    void finish(loop_connection& which, nanos now);
    void rest(loop_connection& which, nanos now);
    void drop(loop_connection& which);
    void watch(loop_connection& which, io::readiness interest);
    void fail_queue(code what, const std::string& text, nanos now);
    std::unique_ptr<command::attempt> take_queued();

    std::shared_ptr<cluster::node> node_;
    io::reactor& reactor_;
    timer_wheel& timers_;
    attempt_sink& sink_;
    limits limits_;
    std::optional<cluster::concurrency_limit> adapted_;  // none: busy_max is the limit
    std::vector<std::unique_ptr<loop_connection>> all_;
    std::vector<loop_connection*> idle_;
    loop_connection* latest_ = nullptr;  // which began an attempt last, if it is still there
    std::vector<std::unique_ptr<loop_connection>> dropped_;
    std::deque<std::unique_ptr<command::attempt>> queue_;
    size_t connecting_ = 0;
};

}  // namespace aero::detail
