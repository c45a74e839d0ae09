// Runs one call on the calling thread: takes connections from the nodes' pools, waits in the kernel, obeys the
// machines.
//
// A lone attempt waits inside `recv`; several at once are polled together. Nothing of the call outlives `run`: a
// connection whose reply is still owed when the call ends is left to the tend thread, or closed.
#pragma once

#include <optional>
#include <vector>

#include "aero/client.h"
#include "cluster/cluster.h"
#include "command/call.h"
#include "io/wake_up.h"

namespace aero::detail {

class blocking_driver {
  public:
    blocking_driver(cluster::cluster& of, interrupt_hook* interrupt) noexcept : cluster_(of), interrupt_(interrupt) {}

    void run(command::call& what, nanos now);

  private:
    // One attempt and the connection it runs on; what it holds of its node goes back when it ends, however it ends.
    struct lane {
        lane() noexcept = default;
        lane(lane&&) noexcept = default;
        lane& operator=(lane&&) noexcept = default;  // REQUIRES: holds nothing
        ~lane() { close(); }
        void close() noexcept;

        std::shared_ptr<cluster::node> node;
        cluster::connection connection;
        std::unique_ptr<command::attempt> attempt;
        command::action next{};
        bool counted = false;     // its connection is, in the node; a moved one has none
        bool connecting = false;  // and so is its turn to connect
        nanos connect_until = never;
    };

    enum class connected : uint8_t { yes, no, later };

    void launch_all(command::call& what);
    void launch_last(command::call& what);  // of the lanes
    connected connect(lane& one, command::call& what);
    std::shared_ptr<cluster::node> holder_of(const cluster::node* which) const;
    void advance(lane& one, command::call& what, const command::event& happened);
    void send(lane& one, command::call& what);
    void receive(lane& one, command::call& what, nanos wait);
    void finish(lane& one, command::call& what);
    nanos until_next_look(const command::call& what) const noexcept;
    void wait_one(command::call& what);
    void wait_many(command::call& what);
    void look_at_view(command::call& what);
    void note_parking();
    void finish_connect(lane& one, command::call& what);
    void connect_over(lane& one);
    void give_up_connects(command::call& what);
    void leave_let_go();
    void refresh() { now_ = monotonic_now(); }

    cluster::cluster& cluster_;
    interrupt_hook* interrupt_;
    cluster::view_ptr view_;
    nanos now_ = 0;
    std::vector<lane> lanes_;
    std::vector<lane> held_back_;  // for want of a connection, while others of this call run
    // Told of new views, from the first wait that one can end.
    struct view_watch {
        explicit view_watch(cluster::cluster& of) : cluster(of) { cluster.watch(wake); }
        ~view_watch() { cluster.unwatch(wake); }
        view_watch(const view_watch&) = delete;
        view_watch& operator=(const view_watch&) = delete;
        cluster::cluster& cluster;
        io::wake_up wake;
    };
    std::optional<view_watch> watch_;
    std::optional<cluster::parking> parked_;
};

}  // namespace aero::detail
