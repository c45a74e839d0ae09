#include "testing/sim_tending.h"

#include <array>

namespace aero::tests {

using cluster::tender;

sim_tending::sim_tending(sim_world& world, sim_network& network, const client_config& config)
    : world_(world), network_(network), machine_(config) {
    world_.after(0, [this] {
        machine_.start(world_.now());
        carry_out();
    });
}

void sim_tending::tend_soon() {
    machine_.tend_soon(world_.now());
    carry_out();
}

void sim_tending::carry_out() {
    for (auto actions = machine_.take_actions(); !actions.empty(); actions = machine_.take_actions()) {
        for (tender::action& each : actions) {
            if (each.what == tender::action::kind::connect) {
                const connection_id id = network_.connect(each.to, this);
                links_[id] = {.id = each.id, .output = {}};
                connections_[each.id] = id;
                continue;
            }
            const auto on = connections_.find(each.id);
            if (on == connections_.end()) continue;
            const connection_id id = on->second;
            if (each.what == tender::action::kind::send) {
                links_[id].output = std::move(each.bytes);
                links_[id].sent = 0;
                flush(id);
            } else if (each.what == tender::action::kind::close) {
                network_.close(id);
                links_.erase(id);
                connections_.erase(each.id);
            }
        }
    }
    const nanos next = machine_.next_deadline();
    if (next >= alarm_at_) return;
    alarm_at_ = next;
    world_.at(next, [this, next] {
        if (alarm_at_ != next) return;
        alarm_at_ = never;
        machine_.tick(world_.now());
        carry_out();
    });
}

void sim_tending::flush(connection_id id) {
    link& on = links_[id];
    while (on.sent < on.output.size()) {
        const io::io_result done = network_.send(id, on.output.view().subspan(on.sent));
        if (done.status == io::io_status::would_block) return;
        if (done.status != io::io_status::ok) return lose(id, "failed");
        on.sent += done.bytes;
    }
}

void sim_tending::lose(connection_id id, std::string why) {
    const auto lost = links_.find(id);
    if (lost == links_.end()) return;
    const cluster::link_id of = lost->second.id;
    network_.close(id);
    links_.erase(lost);
    connections_.erase(of);
    machine_.failed(of, std::move(why), world_.now());
}

void sim_tending::on_connected(connection_id id) {
    machine_.connected(links_.at(id).id, world_.now());
    carry_out();
}

void sim_tending::on_failed(connection_id id, int) {
    lose(id, "refused");
    carry_out();
}

void sim_tending::on_readable(connection_id id) {
    std::array<uint8_t, 4096> into;
    while (links_.contains(id)) {
        const io::io_result got = network_.receive(id, into);
        if (got.status == io::io_status::would_block) break;
        if (got.status != io::io_status::ok) {
            lose(id, "closed");
            break;
        }
        machine_.received(links_.at(id).id, {into.data(), got.bytes}, world_.now());
        carry_out();
    }
    carry_out();
}

void sim_tending::on_writable(connection_id id) {
    if (links_.contains(id)) flush(id);
    carry_out();
}

}  // namespace aero::tests
