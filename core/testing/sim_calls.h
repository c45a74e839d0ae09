// Drives calls in the simulated world: pooled connections, queues for them, draining of what nobody waits for any more.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "command/call.h"
#include "testing/sim_tending.h"

namespace aero::tests {

class sim_calls final : public sim_watcher {
  public:
    struct settings {
        size_t connections_max = 4;  // per node
        nanos connect_max = from_ms(1000);
        nanos idle_max = from_ms(5000);
    };
    sim_calls(sim_world& world, sim_network& network, sim_tending& tending, settings set)
        : world_(world), network_(network), tending_(tending), settings_(set) {}

    // Starts a prepared call. `ended` is told once, when it is done.
    void run(std::unique_ptr<command::call> what, std::function<void(command::call&)> ended);

    size_t running() const noexcept { return running_.size(); }
    size_t attempts_held() const noexcept;  // on connections and in queues
    uint64_t reuses() const noexcept { return reuses_; }
    uint64_t drained() const noexcept { return drained_; }  // replies read for nobody

    void on_connected(connection_id id) override;
    void on_failed(connection_id id, int error_number) override;
    void on_readable(connection_id id) override;
    void on_writable(connection_id id) override;

  private:
    struct lane {
        std::shared_ptr<cluster::node> node;
        std::unique_ptr<command::attempt> attempt;
        command::action next{};
        bool connecting = true;
        nanos last_used = 0;
        uint64_t use = 0;  // counts attempts, for alarms
    };
    struct running_call {
        std::unique_ptr<command::call> call;
        std::function<void(command::call&)> ended;
        nanos alarm_at = never;
    };
    struct place {  // of one node
        std::vector<connection_id> idle;
        std::deque<std::unique_ptr<command::attempt>> queue;
        size_t connections = 0;
    };

    void pump(running_call& which);
    void launch(std::unique_ptr<command::attempt> ready);
    void connect(const std::shared_ptr<cluster::node>& to);
    void begin(connection_id id, std::unique_ptr<command::attempt> ready);
    void advance(connection_id id, const command::event& happened);
    void push(connection_id id);
    void finish(connection_id id);
    void rest(connection_id id);
    void drop(connection_id id);
    void hand_back(std::unique_ptr<command::attempt> ended);
    void let_go(command::attempt* which);
    std::shared_ptr<cluster::node> holder_of(const cluster::node* which) const;

    sim_world& world_;
    sim_network& network_;
    sim_tending& tending_;
    settings settings_;
    std::map<connection_id, lane> lanes_;
    std::map<const cluster::node*, place> places_;
    std::map<const cluster::node*, std::shared_ptr<cluster::node>> known_;
    std::map<const command::call*, running_call> running_;
    uint64_t reuses_ = 0;
    uint64_t drained_ = 0;
};

}  // namespace aero::tests
