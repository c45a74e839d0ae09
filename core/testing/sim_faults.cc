// The faults of a simulation: when they begin and end, and what they do to the network, the nodes and the machine.
#include <algorithm>

#include "testing/simulation.h"

namespace aero::tests {

using kind = sim_fault::kind;

void simulation::schedule_faults() {
    for (const sim_item& each : plan_.items) {
        const auto* fault = std::get_if<sim_fault>(&each.what);
        if (fault == nullptr) continue;
        world_.at(storm_ + each.at, [this, fault, text = each.text()] {
            if (healed_) return;
            tell(text);
            begin(*fault);
        });
        if (fault->until != never)
            world_.at(storm_ + std::max(fault->until, each.at), [this, fault, text = each.text()] {
                if (healed_) return;
                if (fault->what != kind::lie || servers_.alive(fault->which)) tell("no longer: " + text);
                end(*fault);
            });
    }
}

void simulation::begin(const sim_fault& fault) {
    const unsigned node = fault.which;
    switch (fault.what) {
        case kind::kill:
        case kind::kill_silently:
        case kind::move:
            if (servers_.alive(node))
                servers_.kill(
                    node, fault.what == kind::kill_silently ? sim_network::death::silent : sim_network::death::reset);
            return;
        case kind::freeze: servers_.freeze(node); return;
        case kind::part: servers_.part(servers_.size() < 2 ? 0 : 1 + fault.detail % (servers_.size() - 1)); return;
        case kind::migrate: servers_.migrate(); return;
        case kind::lie:
            if (servers_.alive(node)) servers_.lie(node, static_cast<sim_node::lie>(fault.detail % sim_node::lies));
            return;
        case kind::wall_clock: {
            const nanos hour = from_ms(3'600'000);
            kernel_.jump_wall_clock(static_cast<nanos>(fault.detail) % (2 * hour) - hour);
            return;
        }
        case kind::slow_names: kernel_.set_lookup_time(from_ms(3000)); return;
        case kind::busy_loop:
            if (node < loops_.size()) loops_[node]->be_busy(storm_ + fault.until);
            return;
        case kind::close_loop:
            if (node < loops_.size()) loops_[node]->close();
            return;
        case kind::forget_sessions: servers_.forget_sessions(); return;
        case kind::wrong_certificate:
            servers_.show_certificate(node,
                                      static_cast<sim_tls_host::shown>(1 + fault.detail % sim_tls_host::wrong_ones));
            return;
        case kind::close_client:
            if (client_ != nullptr) fibers_.start("who closes", [held = *client_]() mutable { held.close(); });
            return;
        default: under_way_.push_back(&fault); steer();
    }
}

void simulation::end(const sim_fault& fault) {
    switch (fault.what) {
        case kind::kill:
        case kind::kill_silently:
        case kind::move:
            if (!servers_.alive(fault.which)) servers_.start(fault.which, fault.what == kind::move);
            return;
        case kind::freeze: servers_.thaw(fault.which); return;
        case kind::part: servers_.part(0); return;
        case kind::lie: servers_.tell_the_truth(fault.which); return;
        case kind::wrong_certificate: servers_.show_certificate(fault.which, sim_tls_host::shown::own); return;
        default: std::erase(under_way_, &fault); steer();
    }
}

void simulation::steer() {
    sim_weather weather;
    sim_manners manners;
    double short_of_descriptors = 0, unreachable = 0;
    manners.strict = plan_.strict_nodes;
    weather.partial = plan_.partial;
    weather.delay_max = std::max(weather.delay_max, plan_.delay_max);
    for (const sim_fault* each : under_way_) {
        switch (each->what) {
            case kind::refuse: weather.refuse = each->chance; break;
            case kind::lose_connect: weather.lose_connect = each->chance; break;
            case kind::slow_accept: weather.slow_accept = each->chance; break;
            case kind::stall: weather.stall = each->chance; break;
            case kind::cut: weather.cut = each->chance; break;
            case kind::damage: weather.damage = each->chance; break;
            case kind::slow: weather.slow = each->chance; break;
            case kind::no_descriptors: short_of_descriptors = each->chance * 3; break;
            case kind::unreachable: unreachable = each->chance * 3; break;
            case kind::refuse_record: manners.refuse_record = each->chance; break;
            case kind::unknown_code: manners.unknown_code = each->chance; break;
            case kind::time_out: manners.time_out = each->chance; break;
            case kind::refuse_batch: manners.refuse_batch = each->chance; break;
            case kind::forget_row: manners.forget_row = each->chance; break;
            case kind::wrong_row: manners.wrong_row = each->chance; break;
            case kind::garbage: manners.garbage = each->chance; break;
            case kind::hang_up: manners.hang_up = each->chance; break;
            case kind::hang: manners.hang = each->chance; break;
            case kind::pack_badly: manners.packs_badly = each->chance; break;
            case kind::no_compression: manners.compresses = false; break;
            case kind::refuse_login: manners.refuse_login = each->chance; break;
            default: break;
        }
    }
    network_.set_weather(weather);
    servers_.set_manners(manners);
    kernel_.set_descriptors_short(short_of_descriptors);
    kernel_.set_unreachable(unreachable);
}

}  // namespace aero::tests
