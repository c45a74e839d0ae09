// Drives a tender in the simulated world.
#pragma once

#include <map>

#include "cluster/tender.h"
#include "testing/sim_network.h"

namespace aero::tests {

class sim_tending final : public sim_watcher {
  public:
    sim_tending(sim_world& world, sim_network& network, const client_config& config);

    const cluster::view_ptr& view() const noexcept { return machine_.current(); }
    bool complete() const noexcept { return machine_.complete(); }
    void tend_soon();
    size_t links() const noexcept { return links_.size(); }

    void on_connected(connection_id id) override;
    void on_failed(connection_id id, int error_number) override;
    void on_readable(connection_id id) override;
    void on_writable(connection_id id) override;

  private:
    struct link {
        cluster::link_id id;
        buffer output;
        size_t sent = 0;
    };
    void carry_out();
    void flush(connection_id id);
    void lose(connection_id id, std::string why);

    sim_world& world_;
    sim_network& network_;
    cluster::tender machine_;
    std::map<connection_id, link> links_;
    std::map<cluster::link_id, connection_id> connections_;
    nanos alarm_at_ = never;
};

}  // namespace aero::tests
